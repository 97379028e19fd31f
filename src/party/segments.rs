//! Segment labels of a CRM file: collected in a first pass, because the upload names them before its
//! first row. A file with garbage has many values that stand in a row or two: beyond [`MAX_LABELS`] the
//! rarest are left out, for no audience can be made of them. Memory: at most [`MAX_VALUES`] values.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::columns::Layout;
use super::pipeline::{Stopped, in_turn};
use super::reading::{Block, Source, SourceError};

/// Labels of a file, at most.
pub const MAX_LABELS: usize = 1_000;
/// Different values that are counted before the file is refused: these are no segments.
const MAX_VALUES: usize = 100_000;
/// The longest label, in bytes (as the wire takes it).
const MAX_LABEL_BYTES: usize = 256;

/// For each segment column its values, with their rows.
type Values = Vec<BTreeMap<String, u64>>;

/// Why the labels of a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// Reading failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Too many different values.
    #[error(
        "a file has at most 1,000 segments, and `{column}` alone has {values} different values: choose columns with --segments, or put values into bands"
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
    /// A worker stopped: a defect.
    #[error("the preparation stopped unexpectedly; nothing was sent")]
    Stopped,
}

impl From<Stopped> for SegmentError {
    fn from(_: Stopped) -> SegmentError {
        SegmentError::Stopped
    }
}

/// The labels of a file, `column=value`, and where each is found.
#[derive(Debug, Default)]
pub struct Labels {
    /// All labels; a row names them by position.
    pub names: Vec<String>,
    /// For each segment column its position in a block, and its values with their label's position.
    columns: Vec<(usize, BTreeMap<String, u16>)>,
    /// Per column, how many of its values were too rare to become labels.
    left_out: BTreeMap<String, usize>,
}

impl Labels {
    /// Reads the segment columns of the whole file with `threads` workers.
    pub fn collect(
        source: &Source,
        layout: &Layout,
        threads: usize,
    ) -> Result<Labels, SegmentError> {
        if layout.segments.is_empty() {
            return Ok(Labels::default());
        }
        let chosen: Vec<usize> = layout
            .segments
            .iter()
            .filter_map(|(_, position)| layout.chosen.get(*position).copied())
            .collect();
        let mut all: Values = vec![BTreeMap::new(); chosen.len()];
        in_turn(
            source.pieces(&chosen)?,
            threads,
            |piece| Ok(values_of(&piece.block()?, layout)),
            |values: Result<Values, SegmentError>| {
                for (all, values) in all.iter_mut().zip(values?) {
                    for (value, rows) in values {
                        *all.entry(value).or_default() += rows;
                    }
                }
                match all.iter().map(BTreeMap::len).sum::<usize>() > MAX_VALUES {
                    true => Err(too_many(layout, &all)),
                    false => Ok(()),
                }
            },
        )?;
        let values = all;
        let least = least_rows(&values);
        let useless = |of: &BTreeMap<_, u64>| !of.is_empty() && of.values().all(|n| *n < least);
        if values.iter().any(useless) {
            return Err(too_many(layout, &values));
        }
        Ok(Labels::of(layout, values, least))
    }

    fn of(layout: &Layout, values: Values, least: u64) -> Labels {
        let mut labels = Labels::default();
        for ((column, position), values) in layout.segments.iter().zip(values) {
            let mut known = BTreeMap::new();
            for (value, rows) in values {
                if rows < least {
                    *labels.left_out.entry(column.clone()).or_default() += 1;
                    continue;
                }
                // At most MAX_LABELS labels: the position fits.
                let label = u16::try_from(labels.names.len()).unwrap_or(u16::MAX);
                labels.names.push(format!("{column}={value}"));
                known.insert(value, label);
            }
            labels.columns.push((*position, known));
        }
        labels
    }

    /// What the owner should know: values too rare to become labels.
    pub fn notes(&self) -> Vec<String> {
        let note = |(column, values): (&String, &usize)| {
            format!(
                "{values} rare values of `{column}` are no segments: a file has at most 1,000 (choose columns with --segments, or put values into bands)"
            )
        };
        self.left_out.iter().map(note).collect()
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

/// The values of a block.
fn values_of(block: &Block, layout: &Layout) -> Result<Values, SegmentError> {
    let mut found: Values = vec![BTreeMap::new(); layout.segments.len()];
    for (place, ((column, _), found)) in layout.segments.iter().zip(&mut found).enumerate() {
        for row in 0..block.rows() {
            let cell = block.cell(row, place);
            if let Some(rows) = found.get_mut(cell) {
                *rows += 1;
                continue;
            }
            let value = value_of(cell);
            if value.is_empty() {
                continue;
            }
            if column.len() + 1 + value.len() > MAX_LABEL_BYTES {
                let (column, line) = (column.clone(), block.line);
                return Err(SegmentError::TooLong { column, line });
            }
            *found.entry(value).or_default() += 1;
        }
    }
    Ok(found)
}

fn too_many(layout: &Layout, values: &[BTreeMap<String, u64>]) -> SegmentError {
    let sizes = values.iter().map(BTreeMap::len);
    let largest = sizes.zip(&layout.segments).max_by_key(|(size, _)| *size);
    let (values, column) = largest.map_or((0, String::new()), |(s, (c, _))| (s, c.clone()));
    SegmentError::TooMany { column, values }
}

/// The fewest rows that a value must stand in, so that no more than [`MAX_LABELS`] remain.
fn least_rows(values: &[BTreeMap<String, u64>]) -> u64 {
    let mut rows: Vec<u64> = values.iter().flat_map(|of| of.values().copied()).collect();
    if rows.len() <= MAX_LABELS {
        return 0;
    }
    rows.sort_unstable_by_key(|rows| Reverse(*rows));
    rows[MAX_LABELS] + 1
}

/// A value as it stands in a label: trimmed, lowercase.
fn value_of(cell: &str) -> String {
    cell.trim().to_lowercase()
}
