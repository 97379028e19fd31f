//! Why a file cannot be read: says where and what helps, never what is in a cell.

use std::io;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file system says no.
    #[error("the file cannot be read: {0}")]
    Read(#[source] io::Error),
    /// Not a byte in it.
    #[error("the file is empty: the first line must name the columns")]
    Empty,
    /// UTF-16, as spreadsheets write "Unicode text".
    #[error("the file is UTF-16: save it as CSV UTF-8")]
    Utf16,
    /// A ZIP archive, most likely .xlsx.
    #[error("this is a spreadsheet or an archive, not CSV: export it as CSV UTF-8, or as Parquet")]
    Spreadsheet,
    /// gzip.
    #[error("the file is compressed: unpack it first (gunzip)")]
    Compressed,
    /// A cell that is not UTF-8.
    #[error(
        "line {line}, column `{column}`: not UTF-8; save the file as CSV UTF-8 (iconv -t UTF-8)"
    )]
    NotUtf8 {
        /// Line of the record's start, from 1.
        line: u64,
        /// Name of the column, or its number.
        column: String,
    },
    /// A record beyond the limit: a missing line end or an open quote.
    #[error(
        "line {line}: the record is longer than 1 MiB; is a line end or a closing quote (\") missing?"
    )]
    TooLong {
        /// Line of the record's start, from 1.
        line: u64,
    },
    /// More columns than anybody has.
    #[error("more than 4,096 columns: is the separator a comma?")]
    TooManyColumns,
    /// A damaged or unusual Parquet file.
    #[error("the Parquet file cannot be read: {0}")]
    Parquet(String),
    /// A Parquet column of a type that has no plain text.
    #[error(
        "column `{column}` has the Parquet type {kind}: write it as text, number, boolean, date or timestamp"
    )]
    ColumnType {
        /// Name of the column.
        column: String,
        /// The Arrow type.
        kind: String,
    },
}
