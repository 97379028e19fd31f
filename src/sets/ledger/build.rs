//! A chunk while it is made: the salts and records of consecutive rows, and whose they are.

use std::collections::HashMap;
use std::path::Path;

use tamis_keys::Secret;
use tamis_keys::purpose::Data;
use tamis_protocols::consent::Own;

use super::super::SetError;
use super::super::block::{BlockWriter, FileNonce};

/// Most rows of a chunk.
pub(super) const MOST_ROWS: u32 = 1 << 18;
/// Rows that are found together.
pub(super) const GROUP: u32 = 64;
/// Bytes of an entry of the index: token, row.
pub(super) const SUBJECT: usize = 20;
/// Bytes of a block of a chunk.
pub(super) const BLOCK: usize = 816 * SUBJECT;
pub(super) const MAGIC: &[u8; 8] = b"tamisrec";
pub(super) const VERSION: u32 = 1;
pub(super) const HEADER: usize = 48;

/// A token of a row, and the row counted in the chunk.
pub(super) type Subject = ([u8; 16], u32);

/// The content of one chunk. Memory: what it weighs, and as much again for the index while it is written.
#[derive(Default)]
pub(super) struct ChunkBuilder {
    numbers: HashMap<Box<[u8]>, u32>,
    shapes: Vec<u8>,
    rows: Vec<u8>,
    offsets: Vec<u32>,
    count: u32,
    base: Option<i64>,
    subjects: Vec<Subject>,
}

impl ChunkBuilder {
    /// Rows so far.
    pub(super) fn rows(&self) -> u32 {
        self.count
    }

    /// Bytes so far.
    pub(super) fn weight(&self) -> usize {
        2 * self.shapes.len() + self.rows.len() + SUBJECT * self.subjects.len()
    }

    /// The number of a shape, which is noted if it is new.
    pub(super) fn shape(&mut self, shape: &[u8]) -> u32 {
        if let Some(number) = self.numbers.get(shape) {
            return *number;
        }
        let number = self.numbers.len() as u32;
        self.shapes
            .extend_from_slice(&(shape.len() as u32).to_le_bytes());
        self.shapes.extend_from_slice(shape);
        self.numbers.insert(shape.into(), number);
        number
    }

    /// Appends the next row.
    pub(super) fn push(&mut self, shape: u32, own: &Own, salt: &[u8; 32]) {
        self.next_row();
        let rest = !own.rest.is_empty();
        varint(
            &mut self.rows,
            ((u64::from(shape) + 1) << 1) | u64::from(rest),
        );
        self.rows.extend_from_slice(salt);
        if let Some(at) = own.at {
            let base = *self.base.get_or_insert(at);
            let apart = at.wrapping_sub(base);
            varint(&mut self.rows, ((apart << 1) ^ (apart >> 63)) as u64);
        }
        if rest {
            varint(&mut self.rows, own.rest.len() as u64);
            self.rows.extend_from_slice(&own.rest);
        }
    }

    /// Appends a row whose record and salt are gone.
    pub(super) fn push_erased(&mut self) {
        self.next_row();
        self.rows.push(0);
    }

    /// Says that the row `row` of the chunk has this token.
    pub(super) fn subject(&mut self, token: [u8; 16], row: u32) {
        self.subjects.push((token, row));
    }

    fn next_row(&mut self) {
        if self.count.is_multiple_of(GROUP) {
            self.offsets.push(self.rows.len() as u32);
        }
        self.count += 1;
    }

    /// Writes the chunk durably to a new file and forgets it. The plaintext's length.
    pub(super) fn write(
        &mut self,
        path: &Path,
        key: &Secret<Data>,
        context: &str,
        nonce: &FileNonce,
    ) -> Result<u64, SetError> {
        let mut file = BlockWriter::create(path, key, context, nonce, BLOCK)?;
        self.subjects.sort_unstable();
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        for number in [
            VERSION,
            self.count,
            self.numbers.len() as u32,
            self.subjects.len() as u32,
        ] {
            header.extend_from_slice(&number.to_le_bytes());
        }
        header.extend_from_slice(&self.base.unwrap_or(0).to_le_bytes());
        header.extend_from_slice(&(self.shapes.len() as u64).to_le_bytes());
        header.extend_from_slice(&(self.rows.len() as u64).to_le_bytes());
        file.write(&header)?;
        file.write(&self.shapes)?;
        file.write(&self.rows)?;
        for offset in &self.offsets {
            file.write(&offset.to_le_bytes())?;
        }
        for (token, row) in &self.subjects {
            let mut entry = [0; SUBJECT];
            entry[..16].copy_from_slice(token);
            entry[16..].copy_from_slice(&row.to_le_bytes());
            file.write(&entry)?;
        }
        self.clear();
        file.finish()
    }

    /// Empties it and keeps its memory.
    fn clear(&mut self) {
        self.numbers.clear();
        self.shapes.clear();
        self.rows.clear();
        self.offsets.clear();
        self.subjects.clear();
        (self.count, self.base) = (0, None);
    }
}

/// Seven bits a byte, the lowest first, the eighth where more follow.
fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
