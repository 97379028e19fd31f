//! Writing back while more is written, so that making a long file durable does not begin at its end.

use std::fs::File;
use std::io;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

/// Bytes that may be written before they are to be on the disk.
const STEP: u64 = 64 << 20;

/// A thread that makes durable what has been written so far, again and again.
pub(super) struct WriteBack {
    written: AtomicU64,
    wake: SyncSender<()>,
    thread: JoinHandle<io::Result<()>>,
}

impl WriteBack {
    pub(super) fn new(file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        let (wake, woken) = mpsc::sync_channel(1);
        // An error is told once; whoever hears it must pass it on.
        let write = move || woken.iter().try_for_each(|()| file.sync_data());
        let thread = thread::Builder::new().spawn(write)?;
        Ok(WriteBack {
            written: AtomicU64::new(0),
            wake,
            thread,
        })
    }

    /// Notes that bytes were written.
    pub(super) fn wrote(&self, bytes: usize) {
        let bytes = bytes as u64;
        let before = self.written.fetch_add(bytes, Ordering::Relaxed);
        if before / STEP != (before + bytes) / STEP {
            // If it is at work still, it will find these bytes the next time.
            let _ = self.wake.try_send(());
        }
    }

    /// Ends the thread and says whether the disk took everything so far.
    pub(super) fn finish(self) -> io::Result<()> {
        drop(self.wake);
        self.thread
            .join()
            .unwrap_or_else(|panic| resume_unwind(panic))
    }
}
