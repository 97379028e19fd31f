//! The threads of [`super::prepare`]: one takes the file apart, several work on pieces, the caller's gathers.
//!
//! Pieces go round the workers in turn and what became of them is gathered in the same turn: it arrives in
//! the order of the file, without a buffer to sort it in. Every channel is bounded, and each thread stops
//! when its neighbour has: an error anywhere ends all, and the first of the file is the one reported.
//! Memory: five pieces a worker, or what became of them, and two more.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::reading::SourceError;

/// Pieces that wait before a worker, and results that wait after it; one more is in its hands.
const WAITING: usize = 2;
/// A worker stopped: a defect.
#[derive(Debug)]
pub(super) struct Stopped;

type Found<T> = Result<T, SourceError>;

/// Does `work` on every piece with `threads` workers and hands what became of them to `take`, in the order
/// of the file, until one of these fails.
pub(super) fn in_turn<P: Send, T: Send, E: From<SourceError> + From<Stopped>>(
    pieces: impl Iterator<Item = Found<P>> + Send,
    threads: usize,
    work: impl Fn(P) -> Found<T> + Sync,
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
fn feed<P>(pieces: impl Iterator<Item = Found<P>>, workers: &[SyncSender<Found<P>>]) {
    for (piece, worker) in pieces.zip(workers.iter().cycle()) {
        let last = piece.is_err();
        if worker.send(piece).is_err() || last {
            return;
        }
    }
}

/// Works on pieces until there are no more.
fn serve<P, T>(
    pieces: &Receiver<Found<P>>,
    done: &SyncSender<Found<T>>,
    work: impl Fn(P) -> Found<T>,
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::PartyError;
    use super::*;

    #[test]
    fn results_arrive_in_the_order_of_the_pieces_however_long_each_takes() {
        for threads in 0..5 {
            let mut taken = Vec::new();
            let slow = |piece: u64| {
                (0..piece % 3).for_each(|_| std::thread::yield_now());
                Ok(2 * piece)
            };
            let outcome = in_turn((0..200).map(Ok), threads, slow, |result| {
                taken.push(result);
                Ok::<_, PartyError>(())
            });
            assert!(outcome.is_ok());
            assert_eq!(taken, (0..200).map(|piece| 2 * piece).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_error_of_the_file_ends_all_wherever_it_comes_from() {
        let line = |line| Err(SourceError::TooLong { line });
        let pieces = (0..).map(|piece| if piece == 9 { line(9) } else { Ok(piece) });
        let work = |piece| if piece == 7 { line(7) } else { Ok(piece) };
        for (until, expected) in [(100, "line 7"), (5, "interrupted")] {
            let outcome = in_turn(pieces.clone(), 3, work, |result| match result == until {
                true => Err(PartyError::Interrupted),
                false => Ok(()),
            });
            assert!(outcome.unwrap_err().to_string().contains(expected));
        }
    }

    #[test]
    fn a_defect_in_a_worker_is_an_error_and_not_the_end_of_the_file() {
        let work = |piece: u64| {
            if piece == 4 {
                panic!("a defect")
            } else {
                Ok(piece)
            }
        };
        let outcome = in_turn((0..100).map(Ok), 2, work, |_| Ok(()));
        assert!(matches!(outcome, Err(PartyError::Stopped)));
    }

    #[test]
    fn no_more_pieces_are_taken_than_the_workers_have_room_for() {
        let (taken, done) = (AtomicU64::new(0), AtomicU64::new(0));
        let pieces = (0..500_u64).map(|piece| {
            taken.fetch_add(1, Ordering::SeqCst);
            Ok(piece)
        });
        let outcome = in_turn(pieces, 2, Ok, |_| {
            let done = done.fetch_add(1, Ordering::SeqCst);
            let ahead = taken.load(Ordering::SeqCst) - done;
            assert!(ahead <= 2 * 5 + 2, "{ahead} pieces under way");
            Ok::<_, PartyError>(())
        });
        assert!(outcome.is_ok());
    }
}
