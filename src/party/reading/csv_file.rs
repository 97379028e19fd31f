//! CSV as of RFC 4180: comma, double quotes, UTF-8; empty lines are passed over.
//!
//! Flow: one thread cuts the file ([`super::cut`]), any other makes a [`Block`] of a piece. A piece without
//! quotes is its own block: its cells are found, not copied. Any other piece goes through the `csv` crate;
//! both read alike.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use csv::{ByteRecord, ReaderBuilder};
use memchr::{memchr, memchr_iter, memchr2_iter};

use super::cut::{Cutter, Piece, line_ends};
use super::{BLOCK_BYTES, BLOCK_ROWS, Block, MAX_RECORD_BYTES, SourceError};

/// The first record: the names of the columns.
pub(super) fn columns(path: &Path) -> Result<Vec<String>, SourceError> {
    let header = Cutter::open(path)?.header()?.ok_or(SourceError::Empty)?;
    let line = header.line;
    let mut names = Vec::new();
    each_record(&header, |_, record| {
        let name = |(place, cell): (usize, &[u8])| match std::str::from_utf8(cell) {
            Ok(name) => Ok(name.trim().to_owned()),
            Err(_) => Err(SourceError::NotUtf8 {
                line,
                column: (place + 1).to_string(),
            }),
        };
        names = record
            .iter()
            .enumerate()
            .map(name)
            .collect::<Result<_, _>>()?;
        Ok(())
    })?;
    Ok(names)
}

/// What is read of the records.
struct Wanted {
    columns: Vec<String>,
    chosen: Vec<usize>,
}

/// The pieces of a CSV file, in its order.
pub struct CsvPieces {
    cutter: Cutter,
    wanted: Arc<Wanted>,
    done: bool,
}

impl CsvPieces {
    pub(super) fn open(
        path: &Path,
        columns: &[String],
        chosen: &[usize],
    ) -> Result<CsvPieces, SourceError> {
        let mut cutter = Cutter::open(path)?;
        cutter.header()?;
        Ok(CsvPieces {
            cutter,
            wanted: Arc::new(Wanted {
                columns: columns.to_vec(),
                chosen: chosen.to_vec(),
            }),
            done: false,
        })
    }

    pub(super) fn next(&mut self) -> Option<Result<CsvPiece, SourceError>> {
        if self.done {
            return None;
        }
        let piece = self.cutter.piece(BLOCK_ROWS, BLOCK_BYTES).transpose()?;
        self.done = piece.is_err();
        Some(piece.map(|piece| CsvPiece {
            piece,
            wanted: self.wanted.clone(),
        }))
    }
}

/// Records that nobody has looked at yet.
pub struct CsvPiece {
    piece: Piece,
    wanted: Arc<Wanted>,
}

impl CsvPiece {
    /// Finds the cells.
    pub(super) fn block(self) -> Result<Block, SourceError> {
        let (mut piece, wanted) = (self.piece, self.wanted);
        if is_plain(&piece.text) {
            match String::from_utf8(std::mem::take(&mut piece.text)) {
                Ok(text) => return wanted.found(text, piece.line, piece.position),
                Err(error) => piece.text = error.into_bytes(),
            }
        }
        wanted.copied(&piece)
    }
}

/// Whether nothing in a piece ends a record but LF and CR LF, and nothing ends a cell but these and commas.
fn is_plain(text: &[u8]) -> bool {
    memchr(b'"', text).is_none()
        && memchr_iter(b'\r', text).all(|place| text.get(place + 1) == Some(&b'\n'))
}

impl Wanted {
    /// The block of a plain piece, which becomes its text.
    fn found(&self, text: String, line: u64, position: u64) -> Result<Block, SourceError> {
        let bytes = text.as_bytes();
        let mut block = Block::new(self.chosen.len());
        let mut commas: Vec<usize> = Vec::with_capacity(self.columns.len());
        let mut start = 0;
        let line_of = |start: usize| line + line_ends(&bytes[..start]);
        let mut record = |start: usize, end: usize, commas: &[usize]| {
            let end = end - usize::from(end > start && bytes[end - 1] == b'\r');
            if start == end {
                return Ok(());
            }
            if block.line == 0 {
                block.line = line_of(start);
            }
            if end - start - commas.len() > MAX_RECORD_BYTES {
                let line = line_of(start);
                return Err(SourceError::TooLong { line });
            }
            if commas.len() + 1 != self.columns.len() {
                block.ragged_at(|| line_of(start));
                return Ok(());
            }
            for place in &self.chosen {
                let before = place.checked_sub(1).and_then(|place| commas.get(place));
                let from = before.map_or(start, |comma| comma + 1);
                block.mark(from, commas.get(*place).copied().unwrap_or(end));
            }
            Ok(())
        };
        for place in memchr2_iter(b',', b'\n', bytes) {
            if bytes[place] == b',' {
                commas.push(place);
                continue;
            }
            record(start, place, &commas)?;
            commas.clear();
            start = place + 1;
        }
        record(start, bytes.len(), &commas)?;
        block.position = position;
        block.text = text;
        Ok(block)
    }

    /// The block of any piece. The whole record must be UTF-8: a file that is broken anywhere is not what
    /// its owner thinks it is.
    fn copied(&self, piece: &Piece) -> Result<Block, SourceError> {
        let mut block = Block::new(self.chosen.len());
        block.position = piece.position;
        each_record(piece, |start, record| {
            let line = || piece.line + line_ends(&piece.text[..start]);
            if block.line == 0 {
                block.line = line();
            }
            if record.len() != self.columns.len() {
                block.ragged_at(line);
                return Ok(());
            }
            for (cell, column) in record.iter().zip(&self.columns) {
                if std::str::from_utf8(cell).is_err() {
                    let column = column.clone();
                    return Err(SourceError::NotUtf8 {
                        line: line(),
                        column,
                    });
                }
            }
            for place in &self.chosen {
                let cell = record.get(*place).unwrap_or_default();
                block.push(std::str::from_utf8(cell).unwrap_or_default());
            }
            Ok(())
        })?;
        Ok(block)
    }
}

/// Reads the records of a piece, telling where in it each begins.
fn each_record(
    piece: &Piece,
    mut take: impl FnMut(usize, &ByteRecord) -> Result<(), SourceError>,
) -> Result<(), SourceError> {
    // An empty line comes first: at its very start the reader would take a byte order mark away.
    let text = (&b"\n"[..]).chain(piece.text.as_slice());
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text);
    let mut record = ByteRecord::new();
    loop {
        let more = reader.read_byte_record(&mut record);
        // The reader fails on neither memory nor records of any length.
        if !more.map_err(|error| SourceError::Read(error.into()))? {
            return Ok(());
        }
        // It counts the line ends before a record, empty lines included, as part of it.
        let at = record.position().map_or(0, |at| at.byte());
        let at = usize::try_from(at).unwrap_or(usize::MAX).saturating_sub(1);
        let before = piece.text.iter().skip(at);
        let start = at
            + before
                .take_while(|byte| matches!(byte, b'\r' | b'\n'))
                .count();
        if record.as_slice().len() > MAX_RECORD_BYTES {
            let line = piece.line + line_ends(&piece.text[..start]);
            return Err(SourceError::TooLong { line });
        }
        take(start, &record)?;
    }
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
