//! The threads of [`super::prepare`]: one takes the file apart, several work on pieces, the caller's gathers.
//!
//! Pieces go round the workers in turn and what became of them is gathered in the same turn: it arrives in
//! the order of the file, without a buffer to sort it in. Every channel is bounded, and each thread stops
//! when its neighbour has: an error anywhere ends all, and the first of the file is the one reported.
//! Memory: six pieces, or what became of them, a worker.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::reading::{Piece, Pieces, SourceError};

/// Pieces that wait before a worker, and results that wait after it. One more is in its hands, and one with
/// whoever hands it the next.
const WAITING: usize = 2;
/// A worker stopped: a defect.
#[derive(Debug)]
pub(super) struct Stopped;

type Found<T> = Result<T, SourceError>;

/// Does `work` on every piece with `threads` workers and hands what became of them to `take`, in the order
/// of the file, until one of these fails.
pub(super) fn in_turn<T: Send, E: From<SourceError> + From<Stopped>>(
    pieces: Pieces,
    threads: usize,
    work: impl Fn(Piece) -> Found<T> + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let work = &work;
    std::thread::scope(|scope| {
        let (mut to_workers, mut from_workers) = (Vec::new(), Vec::new());
        let mut workers = Vec::with_capacity(threads);
        for _ in 0..threads.max(1) {
            let (piece_in, piece_out) = sync_channel(WAITING);
            let (done_in, done_out) = sync_channel(WAITING);
            workers.push(scope.spawn(move || serve(&piece_out, &done_in, work)));
            to_workers.push(piece_in);
            from_workers.push(done_out);
        }
        let reader = scope.spawn(move || feed(pieces, &to_workers));
        let outcome = gather(from_workers, &mut take);
        let whole = workers.into_iter().all(|worker| worker.join().is_ok());
        let whole = reader.join().is_ok() && whole;
        outcome?;
        whole.then_some(()).ok_or_else(|| Stopped.into())
    })
}

/// Hands pieces out until the file or the interest ends.
fn feed(pieces: Pieces, workers: &[SyncSender<Found<Piece>>]) {
    for (piece, worker) in pieces.zip(workers.iter().cycle()) {
        let last = piece.is_err();
        if worker.send(piece).is_err() || last {
            return;
        }
    }
}

/// Works on pieces until there are no more.
fn serve<T>(
    pieces: &Receiver<Found<Piece>>,
    done: &SyncSender<Found<T>>,
    work: impl Fn(Piece) -> Found<T>,
) {
    for piece in pieces {
        let found = piece.and_then(&work);
        let last = found.is_err();
        if done.send(found).is_err() || last {
            return;
        }
    }
}

/// Takes what the workers make; gives up at the first error, and with it the receivers.
fn gather<T, E: From<SourceError>>(
    workers: Vec<Receiver<Found<T>>>,
    take: &mut impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    for worker in workers.iter().cycle() {
        // The first worker without another piece was next in turn: there are no more.
        let Ok(found) = worker.recv() else { break };
        take(found?)?;
    }
    Ok(())
}
