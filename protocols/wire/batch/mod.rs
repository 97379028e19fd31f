//! Upload batches: an Arrow IPC stream of token rows, as specified in SPEC.md beside this folder.
//!
//! A party fills [`BatchBuilder`]s and writes them with a [`StreamEncoder`]; the service reads them
//! with a [`StreamDecoder`] and looks at the rows through a [`BatchReader`]. What the service learns
//! from a row: keyed pseudonyms, the consent record, segment labels, and cookies that are sealed to
//! their destination where it has a key. No raw identifier has a place in the schema. A removal holds
//! tokens and nothing else.
//!
//! The decoder takes nothing on trust: message sizes are capped before a byte of them is stored, the
//! outline of every message (row counts, null counts, buffer bounds) is checked before arrow-ipc
//! sees it, and every value is checked before a row can be read. Memory: one message, at most
//! [`MAX_SCHEMA_BYTES`] + [`MAX_BODY_BYTES`], and never more than has really arrived.

mod build;
mod details;
mod header;
mod message;
mod metadata;
mod read;
mod stream;
#[cfg(test)]
mod tests;

pub use super::mode::UploadMode;
pub use build::{BatchBuilder, CookieCell, Row};
pub use details::ConsentField;
pub use header::{UploadKind, WireHeader};
pub use read::BatchReader;
pub use stream::{StreamDecoder, StreamEncoder};

/// Rows in one batch, at most.
pub const MAX_ROWS: usize = 65_536;
/// Bytes of one message's metadata (the schema with its labels is the largest), at most.
pub const MAX_SCHEMA_BYTES: usize = 4 << 20;
/// Bytes of one message's body, at most; with very many destinations write smaller batches.
pub const MAX_BODY_BYTES: usize = 128 << 20;
/// Segment labels in one upload, at most.
pub const MAX_SEGMENTS: usize = 10_000;
/// Segments of one row, at most.
pub const MAX_ROW_SEGMENTS: usize = 256;
/// Bytes of a segment label `name=value`, at most.
pub const MAX_SEGMENT_BYTES: usize = 256;
/// Destinations in one upload, at most.
pub const MAX_DESTINATIONS: usize = 64;
/// Bytes of a notice version or source, at most.
pub const MAX_TEXT_BYTES: usize = 256;
/// Bytes of a sealed cookie (a label), exactly.
pub const SEALED_COOKIE_BYTES: usize = 88;
/// Purposes are bits 0 to 23: the 24 of a consent string.
pub const PURPOSE_BITS: u32 = 24;

/// What is wrong with a stream or a batch. Says where and what was expected, never the value.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Reading or writing the bytes failed; nothing is said about the content.
    #[error("the upload cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// The bytes are not an Arrow IPC stream as specified.
    #[error("not a valid upload stream: {0}")]
    Stream(&'static str),
    /// The stream stops before its end marker.
    #[error("the upload ends in the middle")]
    CutShort,
    /// The schema's metadata is not as specified.
    #[error("schema metadata `{key}`: {problem}")]
    Metadata {
        /// The key.
        key: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// The columns are not those of the header.
    #[error("column {position}: expected {expected}")]
    Columns {
        /// Counted from 0.
        position: usize,
        /// Name, type and nullability that the header asks for.
        expected: String,
    },
    /// A value is not as specified.
    #[error("row {row}, column `{column}`: {problem}")]
    Value {
        /// Counted from 0, in the batch or, once shifted, in the upload.
        row: u64,
        /// The column.
        column: String,
        /// What is wrong.
        problem: &'static str,
    },
}

impl WireError {
    /// The same error with its row counted from the start of the upload, `rows` before this batch.
    pub fn shifted(mut self, rows: u64) -> Self {
        if let WireError::Value { row, .. } = &mut self {
            *row = row.saturating_add(rows);
        }
        self
    }
}
