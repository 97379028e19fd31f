//! The threads of [`super::prepare`]: one reads, several turn cells into rows, the caller's gathers.
//!
//! Every channel is bounded, and each thread stops when its neighbour has: an error anywhere ends all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use tamis_keys::Entropy;

use super::PartyError;
use super::quality::{Duplicates, LIMIT, Tally};
use super::reading::{Block, Blocks, SourceError};
use super::row::{Hashes, PreparedRow, RowReader};
use super::shuffle::{Shuffler, WINDOW};
use super::spool::RowSink;

/// Who looks on: hears how far the file is read, and may end it.
pub(super) struct Watch<'a> {
    /// Told the bytes of the file that were read.
    pub(super) progress: &'a (dyn Fn(u64) + Sync),
    /// Looked at after every block.
    pub(super) stop: &'a AtomicBool,
}

/// What a block became.
struct Done {
    rows: Vec<PreparedRow>,
    hashes: Hashes,
    position: u64,
    ragged: u64,
    ragged_lines: Vec<u64>,
}

/// Runs all blocks through `threads` workers and the collector into the sink; the sum of what was counted.
pub(super) fn run(
    reader: &RowReader<'_>,
    blocks: Blocks,
    threads: usize,
    collector: &mut Collector<'_>,
    watch: &Watch<'_>,
    sink: &mut dyn RowSink,
) -> Result<Tally, PartyError> {
    std::thread::scope(|scope| {
        let (block_in, block_out) = sync_channel(threads);
        let (done_in, done_out) = sync_channel(threads);
        let block_out = Arc::new(Mutex::new(block_out));
        scope.spawn(move || feed(blocks, &block_in));
        let mut workers = Vec::with_capacity(threads);
        for _ in 0..threads {
            let (block_out, done_in) = (block_out.clone(), done_in.clone());
            workers.push(scope.spawn(move || work(reader, &block_out, &done_in)));
        }
        // Only the threads hold their ends, so that each stops when its neighbour has.
        drop((block_out, done_in));
        let outcome = collector.collect(done_out, watch, sink);
        let mut tally = reader.tally();
        let mut stopped = false;
        for worker in workers {
            match worker.join() {
                Ok(part) => tally.add(&part),
                Err(_) => stopped = true,
            }
        }
        outcome?;
        if stopped {
            return Err(PartyError::Stopped);
        }
        Ok(tally)
    })
}

/// Reads blocks until the file or the interest ends.
fn feed(blocks: Blocks, out: &SyncSender<Result<Block, SourceError>>) {
    for block in blocks {
        let last = block.is_err();
        if out.send(block).is_err() || last {
            return;
        }
    }
}

/// Turns blocks into rows until there are no more.
fn work(
    reader: &RowReader<'_>,
    blocks: &Mutex<Receiver<Result<Block, SourceError>>>,
    out: &SyncSender<Result<Done, SourceError>>,
) -> Tally {
    let mut tally = reader.tally();
    loop {
        let block = blocks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(block) = block else { return tally };
        let done = block.map(|block| {
            let mut hashes = Hashes::default();
            let rows = (0..block.rows())
                .map(|row| reader.read(&block, row, &mut tally, &mut hashes))
                .collect();
            Done {
                rows,
                hashes,
                position: block.position,
                ragged: block.ragged,
                ragged_lines: block.ragged_lines,
            }
        });
        let last = done.is_err();
        if out.send(done).is_err() || last {
            return tally;
        }
    }
}

/// What is gathered on the calling thread.
pub(super) struct Collector<'a> {
    shuffler: Option<Shuffler<'a, PreparedRow>>,
    /// Repetitions, by identifier column.
    pub(super) duplicates: [Duplicates; 5],
    /// Rows with another number of cells than the header.
    pub(super) ragged: u64,
    /// Lines of the first of them.
    pub(super) ragged_lines: Vec<u64>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(entropy: &'a dyn Entropy) -> Collector<'a> {
        Collector {
            shuffler: Some(Shuffler::new(WINDOW, entropy)),
            duplicates: std::array::from_fn(|_| Duplicates::new(LIMIT)),
            ragged: 0,
            ragged_lines: Vec::new(),
        }
    }

    /// Takes everything the workers make; gives up at the first error, and with it the receiver.
    fn collect(
        &mut self,
        done: Receiver<Result<Done, SourceError>>,
        watch: &Watch<'_>,
        sink: &mut dyn RowSink,
    ) -> Result<(), PartyError> {
        let mut position = 0;
        for part in done {
            if watch.stop.load(Ordering::Relaxed) {
                return Err(PartyError::Interrupted);
            }
            let part = part?;
            for (counter, hashes) in self.duplicates.iter_mut().zip(part.hashes) {
                hashes.into_iter().for_each(|hash| counter.push(hash));
            }
            self.ragged += part.ragged;
            self.ragged_lines.extend(part.ragged_lines);
            self.ragged_lines.sort_unstable();
            self.ragged_lines.truncate(Block::RAGGED_LINES);
            for row in part.rows {
                if let Some(rows) = self
                    .shuffler
                    .as_mut()
                    .and_then(|shuffler| shuffler.push(row))
                {
                    sink.take(&rows)?;
                }
            }
            position = part.position.max(position);
            (watch.progress)(position);
        }
        if let Some(shuffler) = self.shuffler.take() {
            sink.take(&shuffler.finish())?;
        }
        Ok(())
    }
}
