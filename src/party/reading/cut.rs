//! Cuts a CSV file into pieces of whole records, without looking at their cells: the one part of reading
//! that cannot be shared out. A record has a limit, whatever the quotes do.
//!
//! Line ends and quotes are those of [`super::csv_file`]: CR, LF or CR LF; a quote opens only at the start
//! of a cell. Memory: a piece, what was read beyond it, and one record.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use memchr::{memchr, memchr_iter, memchr3};

use super::{MAX_RECORD_BYTES, SourceError};

/// What is asked of the system at once.
const READ_BYTES: usize = 256 << 10;
/// Quotes and commas that a record within its limit may have beside its cells.
const SLACK_BYTES: usize = 64 << 10;

/// A piece: whole records, the last one of a file perhaps without its line end.
pub(super) struct Piece {
    /// The bytes as they stand in the file.
    pub(super) text: Vec<u8>,
    /// The line that they begin on, from 1.
    pub(super) line: u64,
    /// Where they end in the file, in bytes.
    pub(super) position: u64,
}

/// A CSV file that is being cut.
pub(super) struct Cutter {
    file: File,
    rest: Vec<u8>,
    line: u64,
    read: u64,
    ended: bool,
    portion: usize,
}

impl Cutter {
    /// At the start of the file, after a byte order mark.
    pub(super) fn open(path: &Path) -> Result<Cutter, SourceError> {
        Cutter::reading(path, READ_BYTES)
    }

    /// With portions of another size: at least the three bytes of a byte order mark.
    pub(super) fn reading(path: &Path, portion: usize) -> Result<Cutter, SourceError> {
        let mut cutter = Cutter {
            portion,
            file: File::open(path).map_err(SourceError::Read)?,
            rest: Vec::new(),
            line: 1,
            read: 0,
            ended: false,
        };
        let mut start = Vec::new();
        cutter.read_into(&mut start).map_err(SourceError::Read)?;
        if start.starts_with(b"\xef\xbb\xbf") {
            start.drain(..3);
        }
        cutter.rest = start;
        Ok(cutter)
    }

    /// The first record that is not an empty line.
    pub(super) fn header(&mut self) -> Result<Option<Piece>, SourceError> {
        while let Some(piece) = self.piece(1, 1)? {
            if piece.text.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// The next piece: at most `rows` lines, and no more once it has `bytes` bytes.
    pub(super) fn piece(
        &mut self,
        rows: usize,
        bytes: usize,
    ) -> Result<Option<Piece>, SourceError> {
        let mut text = std::mem::take(&mut self.rest);
        let mut scan = Scan::default();
        loop {
            scan.go_on(&text, rows, self.ended);
            if scan.records == rows {
                break;
            }
            if text.len() - scan.end > MAX_RECORD_BYTES + SLACK_BYTES {
                let line = self.line + line_ends(&text[..scan.end]);
                return Err(SourceError::TooLong { line });
            }
            if self.ended {
                scan.end = text.len();
                break;
            }
            if scan.end >= bytes {
                break;
            }
            self.read_into(&mut text).map_err(SourceError::Read)?;
        }
        self.rest = text.split_off(scan.end);
        if text.is_empty() {
            return Ok(None);
        }
        let line = self.line;
        self.line += line_ends(&text);
        Ok(Some(Piece {
            text,
            line,
            position: self.read - self.rest.len() as u64,
        }))
    }

    fn read_into(&mut self, text: &mut Vec<u8>) -> io::Result<()> {
        text.reserve(self.portion);
        let portion = (&mut self.file).take(self.portion as u64);
        let count = { portion }.read_to_end(text)?;
        self.read += count as u64;
        self.ended = count == 0;
        Ok(())
    }
}

/// LFs: what lines are counted by.
pub(super) fn line_ends(text: &[u8]) -> u64 {
    memchr_iter(b'\n', text).count() as u64
}

/// How far a piece is looked through.
#[derive(Default)]
struct Scan {
    /// The next byte to look at.
    at: usize,
    /// End of the last whole record.
    end: usize,
    records: usize,
    quoted: bool,
}

impl Scan {
    /// Looks on through `text`, which begins with a record, until it has `rows` lines or the text ends.
    /// Unless the text is `complete`, a byte that needs the one after it is left for later.
    fn go_on(&mut self, text: &[u8], rows: usize, complete: bool) {
        while self.records < rows {
            let left = &text[self.at..];
            let sign = match self.quoted {
                true => memchr(b'"', left),
                false => memchr3(b'"', b'\n', b'\r', left),
            };
            let Some(place) = sign.map(|place| self.at + place) else {
                self.at = text.len();
                return;
            };
            let next = text.get(place + 1);
            let open = next.is_none() && !complete;
            self.at = match text[place] {
                b'"' if self.quoted => match next {
                    None if open => return self.at = place,
                    Some(b'"') => place + 2,
                    _ => {
                        self.quoted = false;
                        place + 1
                    }
                },
                b'"' => {
                    let before = place.checked_sub(1).map(|before| text[before]);
                    self.quoted = matches!(before, None | Some(b',' | b'\n' | b'\r'));
                    place + 1
                }
                b'\r' if open => return self.at = place,
                sign => {
                    let pair = sign == b'\r' && next == Some(&b'\n');
                    self.records += 1;
                    self.end = place + 1 + usize::from(pair);
                    self.end
                }
            };
        }
    }
}
