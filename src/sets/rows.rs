//! What is kept per row, in row order. A row that was not accepted has day 0 and no person.
//!
//! ```text
//! rows:     last valid day u16 LE (days since 1970-01-01) ‖ (graph) a bit per destination with a cookie
//! persons:  (graph) person u32 LE; 2³²−1: none
//! ```

use std::sync::Arc;

use jiff::civil::{Date, date};

use super::SetError;
use super::block::BlockFile;

pub(super) const ROWS: &str = "rows";
pub(super) const PERSONS: &str = "persons";
/// The person of a row that was not accepted.
pub(crate) const NOBODY: u32 = u32::MAX;
/// Rows in a block of either file.
pub(super) const ROWS_PER_BLOCK: usize = 16_384;

/// Bytes per row in `rows`.
pub(super) fn row_length(destinations: usize) -> usize {
    2 + destinations.div_ceil(8)
}

/// Days since 1970-01-01. A day after 2149-06-06 counts as that day, one before 1970-01-02 as that day.
pub(crate) fn day_number(day: Date) -> u16 {
    let hours = day.duration_since(date(1970, 1, 1)).as_hours();
    (hours / 24).clamp(1, i64::from(u16::MAX)) as u16
}

/// Walks the rows block by block. Memory: one block of each file.
pub(crate) struct RowWalk {
    rows: Arc<BlockFile>,
    persons: Option<Arc<BlockFile>>,
    length: usize,
    total: u32,
    next: u32,
    row_buffer: Vec<u8>,
    person_buffer: Vec<u8>,
}

/// Up to [`ROWS_PER_BLOCK`] consecutive rows.
pub(crate) struct RowBlock<'a> {
    /// The first row's number.
    pub(crate) first: u32,
    length: usize,
    rows: &'a [u8],
    persons: &'a [[u8; 4]],
}

impl RowWalk {
    pub(super) fn new(
        rows: Arc<BlockFile>,
        persons: Option<Arc<BlockFile>>,
        destinations: usize,
        total: u32,
    ) -> Result<Self, SetError> {
        let length = row_length(destinations);
        let fits = |file: &BlockFile, length: usize| {
            file.block_length() == length * ROWS_PER_BLOCK
                && file.bytes() == u64::from(total) * length as u64
        };
        for (file, length) in persons
            .iter()
            .map(|file| (file, 4))
            .chain([(&rows, length)])
        {
            if !fits(file, length) {
                return Err(SetError::format(
                    file.path(),
                    "has not as many rows as the set",
                ));
            }
        }
        Ok(RowWalk {
            rows,
            persons,
            length,
            total,
            next: 0,
            row_buffer: Vec::new(),
            person_buffer: Vec::new(),
        })
    }

    /// The next rows.
    pub(crate) fn next(&mut self) -> Result<Option<RowBlock<'_>>, SetError> {
        if self.next >= self.total {
            return Ok(None);
        }
        let first = self.next;
        let block = u64::from(first) / ROWS_PER_BLOCK as u64;
        let left = (self.total - first) as usize;
        self.next += left.min(ROWS_PER_BLOCK) as u32;
        let rows = self.rows.block(block, &mut self.row_buffer)?;
        let persons = match &self.persons {
            Some(persons) => persons.block(block, &mut self.person_buffer)?,
            None => &[],
        };
        Ok(Some(RowBlock {
            first,
            length: self.length,
            rows,
            persons: persons.as_chunks().0,
        }))
    }
}

impl RowBlock<'_> {
    /// Rows in the block.
    pub(crate) fn len(&self) -> usize {
        self.rows.len() / self.length
    }

    /// The last valid day of the block's `i`-th row.
    pub(crate) fn day(&self, i: usize) -> u16 {
        let at = i * self.length;
        u16::from_le_bytes([self.rows[at], self.rows[at + 1]])
    }

    /// Whether the row has a cookie at the `destination`-th destination.
    pub(crate) fn has_cookie(&self, i: usize, destination: usize) -> bool {
        let byte = self.rows[i * self.length + 2 + destination / 8];
        byte & (1 << (destination % 8)) != 0
    }

    /// The row's person; [`NOBODY`] if it has none.
    pub(crate) fn person(&self, i: usize) -> u32 {
        self.persons
            .get(i)
            .map_or(NOBODY, |bytes| u32::from_le_bytes(*bytes))
    }
}
