//! An advertiser's segments as bitmaps, one group of 65,536 rows after the other.
//!
//! ```text
//! group:  n u16 LE ‖ n × ( segment u16 LE ‖ length u32 LE ‖ roaring bitmap of rows 0..65,535 )
//! ```
//! Expressions are evaluated group by group, so that memory does not grow with the rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::SetError;
use super::block::{BlockFile, BlockReader, BlockWriter};

pub(super) const SEGMENTS: &str = "segments";
/// Rows in a group.
pub(crate) const GROUP: u32 = 65_536;
/// The largest a group's bitmap of one segment can be, with room for its frame.
const MAX_BITMAP: usize = 1 << 17;

/// Writes groups. Memory: the bitmaps of one group, at most 2 bytes per row and segment of it.
pub(super) struct SegmentWriter {
    file: BlockWriter,
    group: BTreeMap<u16, RoaringBitmap>,
    rows: u32,
    buffer: Vec<u8>,
}

impl SegmentWriter {
    pub(super) fn new(file: BlockWriter) -> Self {
        SegmentWriter {
            file,
            group: BTreeMap::new(),
            rows: 0,
            buffer: Vec::new(),
        }
    }

    /// Adds the next row, with its segments ascending.
    pub(super) fn push(&mut self, segments: &[u16]) -> Result<(), SetError> {
        for segment in segments {
            self.group.entry(*segment).or_default().insert(self.rows);
        }
        self.rows += 1;
        match self.rows == GROUP {
            true => self.flush(),
            false => Ok(()),
        }
    }

    pub(super) fn finish(mut self) -> Result<u64, SetError> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.file.finish()
    }

    fn flush(&mut self) -> Result<(), SetError> {
        self.file.write(&(self.group.len() as u16).to_le_bytes())?;
        for (segment, rows) in &mut self.group {
            rows.optimize();
            self.buffer.clear();
            // Writing to memory does not fail.
            let _ = rows.serialize_into(&mut self.buffer);
            self.file.write(&segment.to_le_bytes())?;
            self.file.write(&(self.buffer.len() as u32).to_le_bytes())?;
            self.file.write(&self.buffer)?;
        }
        self.group.clear();
        self.rows = 0;
        Ok(())
    }
}

/// Reads groups one after the other. Memory: the bitmaps of one group.
pub(crate) struct SegmentWalk {
    file: Arc<BlockFile>,
    reader: BlockReader,
    buffer: Vec<u8>,
}

impl SegmentWalk {
    pub(super) fn new(file: Arc<BlockFile>) -> Self {
        SegmentWalk {
            reader: BlockReader::new(file.clone()),
            file,
            buffer: Vec::new(),
        }
    }

    /// The next group, by segment; rows counted in the group.
    pub(crate) fn next(&mut self) -> Result<BTreeMap<u16, RoaringBitmap>, SetError> {
        let mut count = [0; 2];
        self.reader.read_all(&mut count)?;
        let mut group = BTreeMap::new();
        for _ in 0..u16::from_le_bytes(count) {
            let mut frame = [0; 6];
            self.reader.read_all(&mut frame)?;
            let segment = u16::from_le_bytes([frame[0], frame[1]]);
            let length = u32::from_le_bytes([frame[2], frame[3], frame[4], frame[5]]) as usize;
            if length > MAX_BITMAP {
                return Err(self.broken());
            }
            self.buffer.resize(length, 0);
            self.reader.read_all(&mut self.buffer)?;
            let rows = RoaringBitmap::deserialize_from(&self.buffer[..]);
            group.insert(segment, rows.map_err(|_| self.broken())?);
        }
        Ok(group)
    }

    fn broken(&self) -> SetError {
        SetError::format(self.file.path(), "does not hold bitmaps")
    }
}
