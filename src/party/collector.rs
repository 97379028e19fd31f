//! What is gathered on the calling thread of [`super::prepare`]: counters, repetitions, rows to be sent.
//!
//! Memory: the shuffle window, and 32 MiB of hashes per identifier column.

use std::sync::atomic::{AtomicBool, Ordering};

use tamis_keys::Entropy;

use super::PartyError;
use super::prepared::PreparedRow;
use super::quality::{Duplicates, LIMIT, Repeated, Tally};
use super::reading::{Block, Piece, SourceError};
use super::row::{Hashes, RowReader};
use super::shuffle::{Shuffler, WINDOW};
use super::spool::RowSink;

/// Who looks on: hears how far the file is read, and may end it.
pub(super) struct Watch<'a> {
    /// Told the bytes of the file that were read.
    pub(super) progress: &'a (dyn Fn(u64) + Sync),
    /// Looked at after every piece.
    pub(super) stop: &'a AtomicBool,
}

/// What a piece of the file became.
pub(super) struct Done {
    rows: Vec<PreparedRow>,
    hashes: Hashes,
    tally: Tally,
    position: u64,
    ragged: u64,
    ragged_lines: Vec<u64>,
}

impl Done {
    /// Reads the rows of a piece.
    pub(super) fn of(reader: &RowReader<'_>, piece: Piece) -> Result<Done, SourceError> {
        let block = piece.block()?;
        let (mut hashes, mut tally) = (Hashes::default(), reader.tally());
        let rows = (0..block.rows()).map(|row| reader.read(&block, row, &mut tally, &mut hashes));
        Ok(Done {
            rows: rows.collect(),
            hashes,
            tally,
            position: block.position,
            ragged: block.ragged,
            ragged_lines: block.ragged_lines,
        })
    }
}

/// The sums, and the rows on their way out.
pub(super) struct Collector<'a> {
    shuffler: Shuffler<'a, PreparedRow>,
    duplicates: [Duplicates; 5],
    tally: Tally,
    ragged: u64,
    ragged_lines: Vec<u64>,
}

/// What was counted of a whole file.
pub(super) struct Counted {
    /// Everything the workers counted.
    pub(super) tally: Tally,
    /// Repetitions, by identifier column.
    pub(super) repeated: [Repeated; 5],
    /// Rows with another number of cells than the header.
    pub(super) ragged: u64,
    /// Lines of the first of them.
    pub(super) ragged_lines: Vec<u64>,
}

impl<'a> Collector<'a> {
    /// Nothing yet; `tally` has empty counters of the right shape.
    pub(super) fn new(tally: Tally, entropy: &'a dyn Entropy) -> Collector<'a> {
        Collector {
            shuffler: Shuffler::new(WINDOW, entropy),
            duplicates: std::array::from_fn(|_| Duplicates::new(LIMIT)),
            tally,
            ragged: 0,
            ragged_lines: Vec::new(),
        }
    }

    /// Takes what a piece became, in the order of the file.
    pub(super) fn take(
        &mut self,
        done: Done,
        watch: &Watch<'_>,
        sink: &mut dyn RowSink,
    ) -> Result<(), PartyError> {
        if watch.stop.load(Ordering::Relaxed) {
            return Err(PartyError::Interrupted);
        }
        for (counter, hashes) in self.duplicates.iter_mut().zip(done.hashes) {
            hashes.into_iter().for_each(|hash| counter.push(hash));
        }
        self.tally.add(&done.tally);
        self.ragged += done.ragged;
        self.ragged_lines.extend(done.ragged_lines);
        self.ragged_lines.truncate(Block::RAGGED_LINES);
        for row in done.rows {
            if self.shuffler.push(row) {
                sink.take(self.shuffler.half())?;
            }
        }
        (watch.progress)(done.position);
        Ok(())
    }

    /// Hands over the rows that are left.
    pub(super) fn finish(mut self, sink: &mut dyn RowSink) -> Result<Counted, PartyError> {
        sink.take(self.shuffler.all())?;
        let repeated = std::thread::scope(|scope| {
            let finished = self
                .duplicates
                .map(|column| scope.spawn(|| column.finish()));
            finished.map(|column| column.join().map_err(|_| PartyError::Stopped))
        });
        let [email, phone, postal, email_sha256, phone_sha256] = repeated;
        Ok(Counted {
            tally: self.tally,
            repeated: [email?, phone?, postal?, email_sha256?, phone_sha256?],
            ragged: self.ragged,
            ragged_lines: self.ragged_lines,
        })
    }
}
