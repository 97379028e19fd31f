//! Segment labels of a CRM file: collected in a first pass, because the upload names them before its
//! first row. Memory: at most [`MAX_LABELS`] labels.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::Layout;
use super::reading::{Block, Source, SourceError};

/// Labels of a file, at most.
pub const MAX_LABELS: usize = 1_000;
/// The longest label, in bytes (as the wire takes it).
const MAX_LABEL_BYTES: usize = 256;

/// Why the labels of a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// Reading failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Too many different values.
    #[error(
        "more than 1,000 segment labels; `{column}` alone has {values} different values so far: choose columns with --segments, or put values into bands"
    )]
    TooMany {
        /// The column with the most values.
        column: String,
        /// How many there were when reading stopped.
        values: usize,
    },
    /// A value that is no label.
    #[error(
        "`{column}`: a value in the rows after line {line} is longer than 256 bytes; that is no segment (choose columns with --segments)"
    )]
    TooLong {
        /// The column.
        column: String,
        /// Line of the first row of the block.
        line: u64,
    },
}

/// The labels of a file, `column=value`, and where each is found.
#[derive(Debug, Default)]
pub struct Labels {
    /// All labels; a row names them by position.
    pub names: Vec<String>,
    /// For each segment column its position in a block, and its values with their label's position.
    columns: Vec<(usize, BTreeMap<String, u16>)>,
}

impl Labels {
    /// Reads the segment columns of the whole file.
    pub fn collect(source: &Source, layout: &Layout) -> Result<Labels, SegmentError> {
        if layout.segments.is_empty() {
            return Ok(Labels::default());
        }
        let chosen: Vec<usize> = layout
            .segments
            .iter()
            .filter_map(|(_, position)| layout.chosen.get(*position).copied())
            .collect();
        let mut values = vec![BTreeSet::new(); chosen.len()];
        let mut total = 0;
        for block in source.blocks(&chosen)? {
            let block = block?;
            for (place, (column, _)) in layout.segments.iter().enumerate() {
                for row in 0..block.rows() {
                    let value = block.cell(row, place);
                    if value.trim().is_empty() || values[place].contains(value) {
                        continue;
                    }
                    let value = value_of(value);
                    if column.len() + 1 + value.len() > MAX_LABEL_BYTES {
                        let (column, line) = (column.clone(), block.line);
                        return Err(SegmentError::TooLong { column, line });
                    }
                    total += usize::from(values[place].insert(value));
                }
            }
            if total > MAX_LABELS {
                let sizes = values.iter().map(BTreeSet::len);
                let largest = sizes.zip(&layout.segments).max_by_key(|(size, _)| *size);
                let (values, column) =
                    largest.map_or((0, String::new()), |(s, (c, _))| (s, c.clone()));
                return Err(SegmentError::TooMany { column, values });
            }
        }
        Ok(Labels::of(layout, values))
    }

    fn of(layout: &Layout, values: Vec<BTreeSet<String>>) -> Labels {
        let mut labels = Labels::default();
        for ((column, position), values) in layout.segments.iter().zip(values) {
            let mut known = BTreeMap::new();
            for value in values {
                // At most MAX_LABELS labels: the position fits.
                let label = u16::try_from(labels.names.len()).unwrap_or(u16::MAX);
                labels.names.push(format!("{column}={value}"));
                known.insert(value, label);
            }
            labels.columns.push((*position, known));
        }
        labels
    }

    /// The labels of a row. An empty cell gives none.
    pub fn of_row(&self, block: &Block, row: usize) -> Vec<u16> {
        let mut found = Vec::with_capacity(self.columns.len());
        for (position, known) in &self.columns {
            let cell = block.cell(row, *position);
            let label = known.get(cell).or_else(|| known.get(&value_of(cell)));
            found.extend(label);
        }
        found
    }
}

/// A value as it stands in a label: trimmed, lowercase.
fn value_of(cell: &str) -> String {
    cell.trim().to_lowercase()
}
