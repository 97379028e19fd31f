//! How far a running job is: counted in memory, written to its row at most once a second, by the
//! heartbeat that also renews its lease.
//!
//! Sealing: reading the upload's bytes is the first 70 %, sorting and writing the rest. Matching and
//! deciding: the share of the evaluation that the engine has done.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use super::{Held, JobError};
use crate::service::Service;
use crate::store::jobs::{JobKind, Renewed};
use crate::store::transact;

/// The part of sealing that reads the upload.
const READING: f64 = 0.7;

/// How far one run is. Clones share it; it never goes back.
#[derive(Clone, Default)]
pub struct Progress(Arc<Counts>);

#[derive(Default)]
struct Counts {
    thousandths: AtomicU64,
    rows: AtomicU64,
}

impl Progress {
    /// Thousandths of the run that are done, 0 to 1000.
    pub fn thousandths(&self) -> u64 {
        self.0.thousandths.load(Ordering::Relaxed)
    }

    /// So much is done, of 1.
    pub(super) fn set(&self, fraction: f64) {
        let thousandths = (fraction.clamp(0.0, 1.0) * 1000.0) as u64;
        self.0.thousandths.fetch_max(thousandths, Ordering::Relaxed);
    }

    /// Sealing has read so many of the upload's bytes.
    fn read(&self, bytes: u64, length: u64) {
        self.set(READING * bytes as f64 / length.max(1) as f64);
    }

    /// Sealing has read everything, and done so much of the rest, of 1.
    pub(super) fn finishing(&self, fraction: f64) {
        self.set(READING + (1.0 - READING) * fraction);
    }

    /// Sealing has seen so many rows.
    pub(super) fn set_rows(&self, rows: u64) {
        self.0.rows.store(rows, Ordering::Relaxed);
    }

    /// Rows that sealing has seen.
    pub(super) fn rows(&self) -> u64 {
        self.0.rows.load(Ordering::Relaxed)
    }
}

/// An upload's bytes, counted as they are read.
pub(super) struct Counted<R> {
    source: R,
    read: u64,
    length: u64,
    progress: Progress,
}

impl<R: Read> Counted<R> {
    /// Counts what is read of an upload of `length` bytes.
    pub(super) fn new(source: R, length: u64, progress: Progress) -> Self {
        Counted {
            source,
            read: 0,
            length,
            progress,
        }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(out)?;
        self.read += read as u64;
        self.progress.read(self.read, self.length);
        if self.read >= self.length {
            self.progress.finishing(0.0);
        }
        Ok(read)
    }
}

impl Service {
    /// Renews a job's lease until `until` and shows how far it is, unless that is what is `shown`.
    pub async fn keep(
        &self,
        held: &Held,
        until: Timestamp,
        shown: u64,
    ) -> Result<Renewed, JobError> {
        let now = self.now();
        let (done, rows) = (held.progress.thousandths(), held.progress.rows());
        transact!(self.store(), "job-renew", |tx| {
            let renewed = tx.renew_job(&held.job, until).await?;
            if renewed == Renewed::Held && done != shown {
                tx.show_progress(&held.job, done, now).await?;
                if held.job.kind == JobKind::Seal {
                    tx.set_rows_read(held.subject()?, rows).await?;
                }
            }
            Ok(renewed)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reading_an_upload_is_seventy_percent_of_sealing_it() {
        let progress = Progress::default();
        let bytes = vec![7; 1000];
        let mut source = Counted::new(bytes.as_slice(), 1000, progress.clone());
        source.read_exact(&mut [0; 500]).unwrap();
        assert_eq!(progress.thousandths(), 350);
        source.read_exact(&mut [0; 500]).unwrap();
        assert_eq!(progress.thousandths(), 700);
        progress.finishing(0.5);
        assert_eq!(progress.thousandths(), 850);
        progress.finishing(1.0);
        assert_eq!(progress.thousandths(), 1000);
    }

    proptest! {
        #[test]
        fn progress_never_goes_back_and_never_leaves_its_range(told in any::<Vec<f64>>()) {
            let progress = Progress::default();
            let mut last = 0;
            for fraction in told {
                progress.set(fraction);
                prop_assert!((last..=1000).contains(&progress.thousandths()));
                last = progress.thousandths();
            }
        }
    }
}
