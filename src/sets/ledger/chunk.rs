//! A chunk at rest: the salt and the record of a row, and the rows of a token, each in a few blocks.
//!
//! ```text
//! "tamisrec" ‖ version ‖ rows ‖ shapes ‖ tokens, u32 each ‖ base i64 ‖ bytes of shapes, of rows, u64 each
//! shapes: length u32 ‖ bytes    rows, in groups of 64    where each group starts: u32
//! token 16 ‖ row u32, ascending
//! ```

use std::path::Path;

use tamis_keys::Secret;
use tamis_keys::purpose::Data;
use tamis_protocols::consent::{Own, is_timed, join};
use tamis_protocols::token::Token;

use super::super::SetError;
use super::super::block::{BlockFile, FileNonce};
use super::build::{BLOCK, GROUP, HEADER, MAGIC, MOST_ROWS, SUBJECT, Subject, VERSION};

/// Most bytes of a chunk.
const MOST_BYTES: u64 = 256 << 20;

/// What is kept of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) salt: [u8; 32],
    /// Its position among the shapes.
    pub(super) shape: usize,
    pub(super) own: Own,
}

/// An opened chunk. Memory: its shapes, and a few blocks.
pub(super) struct Chunk {
    file: BlockFile,
    rows: u32,
    base: i64,
    shapes: Vec<Vec<u8>>,
    subjects: u32,
    rows_at: u64,
    offsets_at: u64,
    subjects_at: u64,
    blocks: Vec<(u64, Vec<u8>)>,
}

/// Blocks that are remembered.
const REMEMBERED: usize = 8;

impl Chunk {
    pub(super) fn open(path: &Path, key: &Secret<Data>, context: &str) -> Result<Self, SetError> {
        let file = BlockFile::open(path, key, context)?;
        let wrong = |problem| SetError::format(path, problem);
        if file.block_length() != BLOCK || file.bytes() > MOST_BYTES {
            return Err(wrong("is not a chunk of consent records"));
        }
        let mut chunk = Chunk {
            file,
            rows: 0,
            base: 0,
            shapes: Vec::new(),
            subjects: 0,
            rows_at: 0,
            offsets_at: 0,
            subjects_at: 0,
            blocks: Vec::new(),
        };
        let mut header = [0; HEADER];
        chunk.read(0, &mut header)?;
        let word = |at: usize| {
            let mut word = [0; 4];
            word.copy_from_slice(&header[at..at + 4]);
            u32::from_le_bytes(word)
        };
        let long = |at: usize| u64::from(word(at)) | (u64::from(word(at + 4)) << 32);
        if &header[..8] != MAGIC || word(8) != VERSION {
            return Err(wrong("is of another kind or version"));
        }
        let (rows, shapes, subjects) = (word(12), word(16), word(20));
        let (shape_bytes, row_bytes) = (long(32), long(40));
        let groups = u64::from(rows.div_ceil(GROUP));
        let all = [
            HEADER as u64,
            shape_bytes,
            row_bytes,
            4 * groups,
            SUBJECT as u64 * u64::from(subjects),
        ];
        let all = all
            .iter()
            .try_fold(0_u64, |sum, part| sum.checked_add(*part));
        if all != Some(chunk.file.bytes()) || rows > MOST_ROWS {
            return Err(wrong("contradicts its own length"));
        }
        chunk.rows = rows;
        chunk.base = long(24) as i64;
        chunk.subjects = subjects;
        chunk.rows_at = HEADER as u64 + shape_bytes;
        chunk.offsets_at = chunk.rows_at + row_bytes;
        chunk.subjects_at = chunk.offsets_at + 4 * groups;
        let mut bytes = vec![0; shape_bytes as usize];
        chunk.read(HEADER as u64, &mut bytes)?;
        let mut rest = bytes.as_slice();
        while let Some((length, after)) = rest.split_first_chunk() {
            let length = u32::from_le_bytes(*length) as usize;
            let parted = after.split_at_checked(length);
            let (shape, after) = parted.ok_or_else(|| wrong("has a torn shape"))?;
            chunk.shapes.push(shape.to_vec());
            rest = after;
        }
        if chunk.shapes.len() != shapes as usize || !rest.is_empty() {
            return Err(wrong("has other shapes than it says"));
        }
        Ok(chunk)
    }

    pub(super) fn rows(&self) -> u32 {
        self.rows
    }

    pub(super) fn nonce(&self) -> &FileNonce {
        self.file.nonce()
    }

    /// What is kept of a row; none if it was erased.
    pub(super) fn kept(&mut self, row: u32) -> Result<Option<Kept>, SetError> {
        let mut found = None;
        self.group(row / GROUP, |at, kept| {
            if at == row {
                found = kept;
            }
        })?;
        Ok(found)
    }

    /// Canonical bytes of the record of a kept row.
    pub(super) fn record(&self, kept: &Kept) -> Result<Vec<u8>, SetError> {
        let shape = self.shape(kept.shape);
        join(shape, &kept.own).map_err(|_| self.wrong("holds what is no record"))
    }

    pub(super) fn shape(&self, shape: usize) -> &[u8] {
        self.shapes.get(shape).map_or(&[], Vec::as_slice)
    }

    /// Gives every row in order, with what is kept of it.
    pub(super) fn each(&mut self, mut see: impl FnMut(u32, Option<Kept>)) -> Result<(), SetError> {
        for group in 0..self.rows.div_ceil(GROUP) {
            self.group(group, &mut see)?;
        }
        Ok(())
    }

    fn group(
        &mut self,
        group: u32,
        mut see: impl FnMut(u32, Option<Kept>),
    ) -> Result<(), SetError> {
        let (first, last) = (group * GROUP, self.rows.div_ceil(GROUP));
        if first >= self.rows {
            return Err(self.wrong("has no such row"));
        }
        let start = self.offset(group)?;
        let end = match group + 1 < last {
            true => self.offset(group + 1)?,
            false => self.offsets_at - self.rows_at,
        };
        let size = end
            .checked_sub(start)
            .filter(|_| end <= self.offsets_at - self.rows_at);
        let size = size.ok_or_else(|| self.wrong("has its rows in another order"))?;
        let mut bytes = vec![0; size as usize];
        self.read(self.rows_at + start, &mut bytes)?;
        let mut rest = Rest(&bytes);
        for row in first..(first + GROUP).min(self.rows) {
            let kept = self.parse(&mut rest);
            see(row, kept.ok_or_else(|| self.wrong("has a torn row"))?);
        }
        match rest.0.is_empty() {
            true => Ok(()),
            false => Err(self.wrong("has more in a group than its rows")),
        }
    }

    fn parse(&self, rest: &mut Rest<'_>) -> Option<Option<Kept>> {
        let head = rest.varint()?;
        if head == 0 {
            return Some(None);
        }
        let shape = usize::try_from((head >> 1).checked_sub(1)?).ok()?;
        let salt = *rest.take(32)?.first_chunk()?;
        let timed = is_timed(self.shapes.get(shape)?);
        let at = match timed {
            true => {
                let apart = rest.varint()?;
                let apart = ((apart >> 1) as i64) ^ -((apart & 1) as i64);
                Some(self.base.wrapping_add(apart))
            }
            false => None,
        };
        let own = match head & 1 {
            0 => Vec::new(),
            _ => {
                let length = usize::try_from(rest.varint()?).ok()?;
                rest.take(length)?.to_vec()
            }
        };
        let own = Own { at, rest: own };
        Some(Some(Kept { salt, shape, own }))
    }

    fn offset(&mut self, group: u32) -> Result<u64, SetError> {
        let mut offset = [0; 4];
        self.read(self.offsets_at + 4 * u64::from(group), &mut offset)?;
        Ok(u64::from(u32::from_le_bytes(offset)))
    }

    /// The rows that have one of `tokens`, which ascend: token and row.
    pub(super) fn rows_of(&mut self, tokens: &[Token]) -> Result<Vec<Subject>, SetError> {
        let mut found = Vec::new();
        for token in tokens {
            let mut at = self.lower_bound(&token.0)?;
            while at < self.subjects {
                let entry = self.subject(at)?;
                if entry.0 != token.0 {
                    break;
                }
                found.push(entry);
                at += 1;
            }
        }
        Ok(found)
    }

    /// Gives every entry of the index, ascending.
    pub(super) fn each_subject(&mut self, mut see: impl FnMut(Subject)) -> Result<(), SetError> {
        for at in 0..self.subjects {
            see(self.subject(at)?);
        }
        Ok(())
    }

    /// The first entry that is not below a token: tokens are uniform, so it is near where they say.
    fn lower_bound(&mut self, token: &[u8; 16]) -> Result<u32, SetError> {
        let high = u128::from_be_bytes(*token) >> 64;
        let guess = ((high * u128::from(self.subjects)) >> 64) as u32;
        let (mut low, mut end, mut step) = (0, self.subjects, 128);
        if guess < self.subjects && self.subject(guess)?.0 < *token {
            low = guess + 1;
            while let Some(next) = low.checked_add(step).filter(|next| *next < end) {
                if self.subject(next)?.0 >= *token {
                    end = next;
                    break;
                }
                (low, step) = (next + 1, step.saturating_mul(2));
            }
        } else {
            end = guess.min(end);
            while let Some(next) = end.checked_sub(step) {
                if self.subject(next)?.0 < *token {
                    low = next + 1;
                    break;
                }
                (end, step) = (next, step.saturating_mul(2));
            }
        }
        while low < end {
            let middle = low + (end - low) / 2;
            match self.subject(middle)?.0 < *token {
                true => low = middle + 1,
                false => end = middle,
            }
        }
        Ok(low)
    }

    fn subject(&mut self, at: u32) -> Result<Subject, SetError> {
        let mut entry = [0; SUBJECT];
        self.read(
            self.subjects_at + SUBJECT as u64 * u64::from(at),
            &mut entry,
        )?;
        let (mut token, mut row) = ([0; 16], [0; 4]);
        token.copy_from_slice(&entry[..16]);
        row.copy_from_slice(&entry[16..]);
        let row = u32::from_le_bytes(row);
        match row < self.rows {
            true => Ok((token, row)),
            false => Err(self.wrong("has a token without a row")),
        }
    }

    /// Fills `out` with the bytes from `at` on.
    fn read(&mut self, mut at: u64, mut out: &mut [u8]) -> Result<(), SetError> {
        while !out.is_empty() {
            let (block, start) = (at / BLOCK as u64, (at % BLOCK as u64) as usize);
            let place = match self.blocks.iter().position(|(number, _)| *number == block) {
                Some(place) => place,
                None => {
                    let mut buffer = match self.blocks.len() < REMEMBERED {
                        true => Vec::new(),
                        false => self.blocks.remove(0).1,
                    };
                    let length = self.file.block(block, &mut buffer)?.len();
                    buffer.truncate(length);
                    self.blocks.push((block, buffer));
                    self.blocks.len() - 1
                }
            };
            let bytes = self.blocks[place].1.get(start..).unwrap_or_default();
            let take = bytes.len().min(out.len());
            if take == 0 {
                return Err(self.wrong("ends in the middle of a row"));
            }
            let (now, later) = out.split_at_mut(take);
            now.copy_from_slice(&bytes[..take]);
            (out, at) = (later, at + take as u64);
        }
        Ok(())
    }

    fn wrong(&self, problem: &'static str) -> SetError {
        SetError::format(self.file.path(), problem)
    }
}

/// What is still to be read of a group.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}
