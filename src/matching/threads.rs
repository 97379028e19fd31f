//! Work in numbered pieces, done by several threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::MatchError;

/// Pieces that are waiting to be taken.
pub(super) struct Pieces<'a> {
    next: AtomicUsize,
    count: usize,
    failed: AtomicBool,
    cancel: &'a AtomicBool,
}

impl Pieces<'_> {
    /// The next piece; `None` once all are taken.
    ///
    /// # Errors
    /// The work was cancelled, or another thread failed.
    pub(super) fn take(&self) -> Result<Option<usize>, MatchError> {
        if self.cancel.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed) {
            return Err(MatchError::Cancelled);
        }
        let piece = self.next.fetch_add(1, Ordering::Relaxed);
        Ok((piece < self.count).then_some(piece))
    }
}

/// Runs `work` on `threads` threads, each taking one of `count` pieces after the other.
///
/// # Errors
/// What the first thread that failed said; the others stop soon.
pub(super) fn share(
    threads: usize,
    count: usize,
    cancel: &AtomicBool,
    work: impl Fn(&Pieces<'_>) -> Result<(), MatchError> + Sync,
) -> Result<(), MatchError> {
    let pieces = Pieces {
        next: AtomicUsize::new(0),
        count,
        failed: AtomicBool::new(false),
        cancel,
    };
    let run = || {
        let done = work(&pieces);
        if done.is_err() {
            pieces.failed.store(true, Ordering::Relaxed);
        }
        done
    };
    let results: Vec<Result<(), MatchError>> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(count)).map(|_| scope.spawn(run)).collect();
        let mut results = vec![run()];
        let joined = others.into_iter().map(|thread| thread.join());
        results.extend(joined.map(|result| result.unwrap_or(Err(MatchError::Thread))));
        results
    });
    // The cause first: threads that stopped because another failed say only "cancelled".
    let mut outcome = Ok(());
    for result in results {
        outcome = match (outcome, result) {
            (Ok(()), result) | (Err(MatchError::Cancelled), result @ Err(_)) => result,
            (earlier, _) => earlier,
        };
    }
    outcome
}
