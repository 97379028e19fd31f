//! Which segments an advertiser's rows are in, as a dictionary of the combinations that occur.
//!
//! ```text
//! classes:  n × ( count u16 LE ‖ count × segment u16 LE )                 the class is the position
//! rare:     n × ( row u32 LE ‖ count u16 LE ‖ count × segment u16 LE )    ascending by row
//! ```
//! Rows have few distinct combinations, however many rows there are: an expression is evaluated once per
//! class, and a match looks its answer up by the class that stands beside the token. Where there are more
//! than 65,535 combinations, rows of later ones are of class [`RARE`] and listed one by one.

use std::collections::HashMap;
use std::sync::Arc;

use super::SetError;
use super::block::{BlockFile, BlockReader};

pub(super) const CLASSES: &str = "classes";
pub(super) const RARE_ROWS: &str = "rare";
/// The class of rows whose segments are listed in the file of rare rows.
pub(crate) const RARE: u16 = u16::MAX;

/// The dictionary while it grows. Memory: at most 65,535 combinations of at most 256 segments, 64 MiB.
#[derive(Default)]
pub(super) struct ClassMap {
    classes: HashMap<Box<[u16]>, u16>,
}

impl ClassMap {
    /// The class of a combination, ascending; [`RARE`] if the dictionary is full.
    pub(super) fn class(&mut self, segments: &[u16]) -> u16 {
        if let Some(class) = self.classes.get(segments) {
            return *class;
        }
        let next = self.classes.len().min(usize::from(RARE)) as u16;
        if next != RARE {
            self.classes.insert(segments.into(), next);
        }
        next
    }

    /// The content of the file of classes.
    pub(super) fn encode(self) -> Vec<u8> {
        let mut classes: Vec<_> = self.classes.into_iter().collect();
        classes.sort_unstable_by_key(|(_, class)| *class);
        encode_classes(classes.iter().map(|(segments, _)| &**segments))
    }
}

/// The content of the file of classes, given their segments in order.
pub(super) fn encode_classes<'c>(classes: impl Iterator<Item = &'c [u16]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    classes.for_each(|segments| push_segments(&mut bytes, segments));
    bytes
}

/// Appends a row to the content of the file of rare rows.
pub(super) fn push_rare(bytes: &mut Vec<u8>, row: u32, segments: &[u16]) {
    bytes.extend_from_slice(&row.to_le_bytes());
    push_segments(bytes, segments);
}

fn push_segments(bytes: &mut Vec<u8>, segments: &[u16]) {
    bytes.extend_from_slice(&(segments.len() as u16).to_le_bytes());
    let segments = segments.iter().map(|segment| segment.to_le_bytes());
    segments.for_each(|segment| bytes.extend_from_slice(&segment));
}

/// Reads the dictionary: the segments of every class, in order.
pub(super) fn read_classes(file: Arc<BlockFile>) -> Result<Vec<Vec<u16>>, SetError> {
    let mut reader = BlockReader::new(file.clone());
    let mut classes = Vec::new();
    let mut count = [0; 2];
    while reader.read(&mut count)? {
        if classes.len() == usize::from(RARE) {
            return Err(SetError::format(file.path(), "has too many classes"));
        }
        let mut segments = Vec::new();
        read_segments(&mut reader, count, &mut segments)?;
        classes.push(segments);
    }
    Ok(classes)
}

/// Reads rare rows one after the other. Memory: one block.
pub(crate) struct RareRows {
    reader: BlockReader,
    segments: Vec<u16>,
}

impl RareRows {
    pub(super) fn new(file: Arc<BlockFile>) -> Self {
        RareRows {
            reader: BlockReader::new(file),
            segments: Vec::new(),
        }
    }

    /// The next row, counted in its layer, and its segments.
    pub(crate) fn next(&mut self) -> Result<Option<(u32, &[u16])>, SetError> {
        let mut head = [0; 6];
        if !self.reader.read(&mut head)? {
            return Ok(None);
        }
        let [a, b, c, d, count @ ..] = head;
        read_segments(&mut self.reader, count, &mut self.segments)?;
        Ok(Some((u32::from_le_bytes([a, b, c, d]), &self.segments)))
    }
}

fn read_segments(
    reader: &mut BlockReader,
    count: [u8; 2],
    segments: &mut Vec<u16>,
) -> Result<(), SetError> {
    segments.clear();
    let mut segment = [0; 2];
    for _ in 0..u16::from_le_bytes(count) {
        reader.read_all(&mut segment)?;
        segments.push(u16::from_le_bytes(segment));
    }
    Ok(())
}
