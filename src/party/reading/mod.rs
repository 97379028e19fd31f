//! Reading a party's file, CSV or Parquet, block by block.
//!
//! Flow: [`Source::open`] looks at the first bytes and gives the column names; [`Source::pieces`] takes the
//! file apart, on one thread; [`Piece::block`] finds the cells of the chosen columns, checked as UTF-8, on
//! any thread. A [`Block`] has at most [`BLOCK_ROWS`] rows and about [`BLOCK_BYTES`] of text.
//! [`Source::blocks`] does both in turn. Memory: one piece and one record (at most [`MAX_RECORD_BYTES`]) in
//! CSV; in Parquet a batch and the open page of every column. Nothing leaves the process; errors name lines
//! and columns, never cells.

mod cell;
mod csv_file;
mod cut;
mod error;
mod parquet_file;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

pub use error::SourceError;

use csv_file::{CsvPiece, CsvPieces};
use parquet_file::{ParquetPiece, ParquetPieces};

/// Rows of a block, at most.
pub const BLOCK_ROWS: usize = 4_096;
/// Text of a block after which it is handed over, in bytes; one record more may be in it.
pub const BLOCK_BYTES: usize = 2 << 20;
/// The longest record of a CSV file, and the longest cell of a Parquet file, in bytes.
pub const MAX_RECORD_BYTES: usize = 1 << 20;
/// Columns of a file, at most.
pub const MAX_COLUMNS: usize = 4_096;

/// Rows of the chosen columns, as text.
#[derive(Default)]
pub struct Block {
    /// Line (CSV) or row (Parquet) of the first row in the file, counted from 1.
    pub line: u64,
    /// Bytes of the file read when the block was complete, for progress.
    pub position: u64,
    /// Rows left out because they have another number of cells than the header.
    pub ragged: u64,
    /// Lines of the first of those, at most [`Block::RAGGED_LINES`].
    pub ragged_lines: Vec<u64>,
    text: String,
    /// Start and end of each cell in `text`, row after row.
    cells: Vec<(u32, u32)>,
    width: usize,
}

impl Block {
    /// Lines of ragged rows that are named.
    pub const RAGGED_LINES: usize = 5;

    fn new(width: usize) -> Block {
        Block {
            width: width.max(1),
            ..Block::default()
        }
    }

    /// The cells of `rows`, for other rooms' tests.
    #[cfg(test)]
    pub fn of(rows: &[&[&str]]) -> Block {
        let mut block = Block::new(rows.first().map_or(1, |row| row.len()));
        for cell in rows.iter().flat_map(|row| row.iter()) {
            block.push(cell);
        }
        block
    }

    /// Rows in it.
    pub fn rows(&self) -> usize {
        self.cells.len() / self.width
    }

    /// The cell of a row and a chosen column; empty if there is none.
    pub fn cell(&self, row: usize, column: usize) -> &str {
        match self.cells.get(row * self.width + column) {
            Some((start, end)) if column < self.width => {
                let place = *start as usize..*end as usize;
                self.text.get(place).unwrap_or_default()
            }
            _ => "",
        }
    }

    fn push(&mut self, cell: &str) {
        let start = self.text.len();
        self.text.push_str(cell);
        self.mark(start, self.text.len());
    }

    /// The next cell is there in the text. No reader makes a text of 4 GiB; a cell beyond would be empty.
    fn mark(&mut self, start: usize, end: usize) {
        let place = u32::try_from(start).and_then(|start| Ok((start, u32::try_from(end)?)));
        self.cells.push(place.unwrap_or_default());
    }

    fn ragged_at(&mut self, line: impl FnOnce() -> u64) {
        self.ragged += 1;
        if self.ragged_lines.len() < Block::RAGGED_LINES {
            self.ragged_lines.push(line());
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Parquet,
}

/// A file whose column names are known.
pub struct Source {
    path: PathBuf,
    format: Format,
    /// Length in bytes.
    pub length: u64,
    /// Column names, in the order of the file.
    pub columns: Vec<String>,
}

impl Source {
    /// Opens `path` and reads its column names. CSV (RFC 4180, UTF-8, a byte order mark is skipped)
    /// unless the file starts as Parquet.
    pub fn open(path: &Path) -> Result<Source, SourceError> {
        let mut file = File::open(path).map_err(SourceError::Read)?;
        let length = file.metadata().map_err(SourceError::Read)?.len();
        let mut start = Vec::with_capacity(4);
        (&mut file)
            .take(4)
            .read_to_end(&mut start)
            .map_err(SourceError::Read)?;
        let format = match start.as_slice() {
            [] => return Err(SourceError::Empty),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(SourceError::Utf16),
            b"PK\x03\x04" => return Err(SourceError::Spreadsheet),
            [0x1f, 0x8b, ..] => return Err(SourceError::Compressed),
            b"PAR1" => Format::Parquet,
            _ => Format::Csv,
        };
        let columns = match format {
            Format::Csv => csv_file::columns(path)?,
            Format::Parquet => parquet_file::columns(path)?,
        };
        if columns.len() > MAX_COLUMNS {
            return Err(SourceError::TooManyColumns);
        }
        Ok(Source {
            path: path.to_owned(),
            format,
            length,
            columns,
        })
    }

    /// The file's name without its directory.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Reads the columns at `chosen` (positions in [`Source::columns`], any order) from the start of the
    /// file. May be called again for another pass.
    pub fn pieces(&self, chosen: &[usize]) -> Result<Pieces, SourceError> {
        Ok(match self.format {
            Format::Csv => Pieces::Csv(CsvPieces::open(&self.path, &self.columns, chosen)?),
            Format::Parquet => {
                Pieces::Parquet(ParquetPieces::open(&self.path, self.length, chosen)?)
            }
        })
    }

    /// The same, ready to be looked at.
    pub fn blocks(&self, chosen: &[usize]) -> Result<Blocks, SourceError> {
        Ok(Blocks {
            pieces: self.pieces(chosen)?,
            done: false,
        })
    }
}

/// The pieces of a file, in its order; after an error there are no more.
pub enum Pieces {
    /// Of a CSV file.
    Csv(CsvPieces),
    /// Of a Parquet file.
    Parquet(ParquetPieces),
}

/// Some rows of a file, as they stand in it.
pub enum Piece {
    /// Records of a CSV file.
    Csv(CsvPiece),
    /// A batch of a Parquet file.
    Parquet(ParquetPiece),
}

impl Iterator for Pieces {
    type Item = Result<Piece, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self {
            Pieces::Csv(pieces) => pieces.next()?.map(Piece::Csv),
            Pieces::Parquet(pieces) => pieces.next()?.map(Piece::Parquet),
        })
    }
}

impl Piece {
    /// Finds the cells. A block may have no row.
    pub fn block(self) -> Result<Block, SourceError> {
        match self {
            Piece::Csv(piece) => piece.block(),
            Piece::Parquet(piece) => piece.block(),
        }
    }
}

/// The blocks of a file that have rows, in its order; after an error there are no more.
pub struct Blocks {
    pieces: Pieces,
    done: bool,
}

impl Iterator for Blocks {
    type Item = Result<Block, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            let block = self.pieces.next()?.and_then(Piece::block);
            self.done = block.is_err();
            if !matches!(&block, Ok(block) if block.rows() == 0 && block.ragged == 0) {
                return Some(block);
            }
        }
        None
    }
}
