//! The threads of one job: they stop when one fails or the job is cancelled, and tell how far they are.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::{Progress, SealError};

/// What the threads of a job have in common.
pub(in crate::sets) struct Team<'a> {
    threads: usize,
    cancel: &'a AtomicBool,
    progress: &'a (dyn Fn(Progress) + Sync),
    failed: AtomicBool,
    rows: AtomicU64,
    steps: AtomicU64,
    done: AtomicU64,
}

impl<'a> Team<'a> {
    pub(in crate::sets) fn new(
        threads: usize,
        cancel: &'a AtomicBool,
        progress: &'a (dyn Fn(Progress) + Sync),
    ) -> Self {
        Team {
            threads: threads.max(1),
            cancel,
            progress,
            failed: AtomicBool::new(false),
            rows: AtomicU64::new(0),
            steps: AtomicU64::new(u64::MAX),
            done: AtomicU64::new(0),
        }
    }

    pub(in crate::sets) fn threads(&self) -> usize {
        self.threads
    }

    /// An error once the threads are to stop: another failed, or the job was cancelled.
    pub(in crate::sets) fn check(&self) -> Result<(), SealError> {
        match self.failed.load(Ordering::Relaxed) || self.cancel.load(Ordering::Relaxed) {
            true => Err(SealError::Cancelled),
            false => Ok(()),
        }
    }

    /// Tells how many rows have been read.
    pub(in crate::sets) fn read(&self, rows: u64) {
        self.rows.store(rows, Ordering::Relaxed);
        let finished = 0.0;
        (self.progress)(Progress { rows, finished });
    }

    /// Says how many steps there are after reading.
    pub(in crate::sets) fn expect(&self, steps: u64) {
        self.steps.store(steps.max(1), Ordering::Relaxed);
    }

    /// Tells that `steps` more are done.
    pub(in crate::sets) fn step(&self, steps: usize) {
        let steps = steps as u64;
        let done = self.done.fetch_add(steps, Ordering::Relaxed) + steps;
        let rows = self.rows.load(Ordering::Relaxed);
        let finished = (done as f64 / self.steps.load(Ordering::Relaxed) as f64).min(1.0);
        (self.progress)(Progress { rows, finished });
    }

    /// Runs `work` on as many threads as there are.
    pub(in crate::sets) fn share(
        &self,
        work: impl Fn() -> Result<(), SealError> + Sync,
    ) -> Result<(), SealError> {
        let work = &work;
        self.run((0..self.threads).map(|_| move || work()))
    }

    /// Runs each of `works` on a thread of its own, the first on this one.
    ///
    /// # Errors
    /// What the first that failed said; the others stop soon.
    pub(in crate::sets) fn run<W: FnOnce() -> Result<(), SealError> + Send>(
        &self,
        works: impl Iterator<Item = W>,
    ) -> Result<(), SealError> {
        let guarded = |work: W| {
            let mut guard = Guard(&self.failed, true);
            let done = work();
            guard.1 = done.is_err();
            done
        };
        let guarded = &guarded;
        let mut works = works.peekable();
        let first = works.next();
        thread::scope(|scope| {
            let others: Vec<_> = works
                .map(|work| scope.spawn(move || guarded(work)))
                .collect();
            let mut outcome = first.map_or(Ok(()), guarded);
            for other in others {
                let done = other.join().unwrap_or_else(|panic| resume_unwind(panic));
                outcome = cause(outcome, done);
            }
            outcome
        })
    }
}

/// Notes a failure, also that of a thread that panics.
struct Guard<'a>(&'a AtomicBool, bool);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if self.1 {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// The cause of two outcomes: threads that stopped because another failed say only "cancelled".
pub(super) fn cause(
    one: Result<(), SealError>,
    other: Result<(), SealError>,
) -> Result<(), SealError> {
    match (one, other) {
        (Ok(()), other) | (Err(SealError::Cancelled), other @ Err(_)) => other,
        (one, _) => one,
    }
}
