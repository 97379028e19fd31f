//! CSV as of RFC 4180: comma, double quotes, UTF-8. A record has a limit, whatever the quotes do.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::{Block, MAX_RECORD_BYTES, SourceError};

/// What the reader asks of the system at once; read ahead of the record it is at.
const BUFFER_BYTES: usize = 64 << 10;

/// A file that gives no more bytes than its allowance; the allowance is renewed for every record, so a
/// record without an end cannot fill the memory.
struct Allowance {
    file: File,
    left: Arc<AtomicU64>,
    read: Arc<AtomicU64>,
}

impl Read for Allowance {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        let take = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if take == 0 {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let count = self.file.read(&mut buf[..take])?;
        self.left.fetch_sub(count as u64, Ordering::Relaxed);
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// A CSV reader whose records are bounded and counted in lines.
struct Bounded {
    reader: Reader<Allowance>,
    left: Arc<AtomicU64>,
    read: Arc<AtomicU64>,
    record: ByteRecord,
    /// Whether lines end in CR LF: the reader then stands before the LF, on the line it has just read.
    behind: bool,
}

impl Bounded {
    fn open(path: &Path) -> Result<Bounded, SourceError> {
        let file = File::open(path).map_err(SourceError::Read)?;
        let behind = ends_in_crlf(path).map_err(SourceError::Read)?;
        let (left, read) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let allowance = Allowance {
            file,
            left: left.clone(),
            read: read.clone(),
        };
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(allowance);
        Ok(Bounded {
            reader,
            left,
            read,
            record: ByteRecord::new(),
            behind,
        })
    }

    /// The line of a position between two records.
    fn line(&self, at: &csv::Position) -> u64 {
        at.line() + u64::from(self.behind && at.byte() > 0)
    }

    /// Reads the next record into `self.record`: its line, or nothing at the end.
    fn next(&mut self) -> Result<Option<u64>, SourceError> {
        let line = self.line(self.reader.position());
        let allowed = (MAX_RECORD_BYTES + BUFFER_BYTES) as u64;
        self.left.store(allowed, Ordering::Relaxed);
        let more = self.reader.read_byte_record(&mut self.record);
        let more = more.map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                SourceError::TooLong { line }
            }
            csv::ErrorKind::Io(error) => SourceError::Read(error),
            _ => SourceError::Read(io::Error::from(io::ErrorKind::InvalidData)),
        })?;
        if !more {
            return Ok(None);
        }
        let line = self.record.position().map_or(line, |at| self.line(at));
        if self.record.as_slice().len() > MAX_RECORD_BYTES {
            return Err(SourceError::TooLong { line });
        }
        Ok(Some(line))
    }
}

/// Whether the first line ends in CR LF.
fn ends_in_crlf(path: &Path) -> io::Result<bool> {
    let mut first = Vec::new();
    let head = File::open(path)?.take(MAX_RECORD_BYTES as u64);
    BufReader::new(head).read_until(b'\n', &mut first)?;
    Ok(first.ends_with(b"\r\n"))
}

/// The first record: the names of the columns.
pub(super) fn columns(path: &Path) -> Result<Vec<String>, SourceError> {
    let mut input = Bounded::open(path)?;
    let line = input.next()?.ok_or(SourceError::Empty)?;
    let name = |(place, cell): (usize, &[u8])| match std::str::from_utf8(cell) {
        Ok(name) => Ok(name.trim().to_owned()),
        Err(_) => Err(SourceError::NotUtf8 {
            line,
            column: (place + 1).to_string(),
        }),
    };
    input.record.iter().enumerate().map(name).collect()
}

/// The blocks of a CSV file.
pub struct CsvBlocks {
    input: Bounded,
    columns: Vec<String>,
    chosen: Vec<usize>,
    done: bool,
}

impl CsvBlocks {
    pub(super) fn open(
        path: &Path,
        columns: &[String],
        chosen: &[usize],
    ) -> Result<CsvBlocks, SourceError> {
        let mut input = Bounded::open(path)?;
        input.next()?;
        Ok(CsvBlocks {
            input,
            columns: columns.to_vec(),
            chosen: chosen.to_vec(),
            done: false,
        })
    }

    fn fill(&mut self) -> Result<Block, SourceError> {
        let mut block = Block::new(self.chosen.len());
        while !block.is_full() {
            let Some(line) = self.input.next()? else {
                self.done = true;
                break;
            };
            if block.line == 0 {
                block.line = line;
            }
            self.take(line, &mut block)?;
        }
        block.position = self.input.read.load(Ordering::Relaxed);
        Ok(block)
    }

    /// Moves the chosen cells of the record into the block. The whole record must be UTF-8: a file that
    /// is broken anywhere is not what its owner thinks it is.
    fn take(&self, line: u64, block: &mut Block) -> Result<(), SourceError> {
        let record = &self.input.record;
        if record.len() != self.columns.len() {
            block.ragged_at(line);
            return Ok(());
        }
        for (cell, column) in record.iter().zip(&self.columns) {
            if std::str::from_utf8(cell).is_err() {
                let column = column.clone();
                return Err(SourceError::NotUtf8 { line, column });
            }
        }
        for place in &self.chosen {
            let cell = record.get(*place).unwrap_or_default();
            block.push(std::str::from_utf8(cell).unwrap_or_default());
        }
        Ok(())
    }

    pub(super) fn next(&mut self) -> Option<Result<Block, SourceError>> {
        if self.done {
            return None;
        }
        match self.fill() {
            Ok(block) if block.rows() == 0 && block.ragged == 0 => None,
            Ok(block) => Some(Ok(block)),
            Err(error) => {
                self.done = true;
                Some(Err(error))
            }
        }
    }
}
