//! Documents line by line: each in its one spelling, with an end, and not longer than allowed.

use std::io::{BufRead, Read as _};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::document::LINE_MAX;
use super::violation::{Problem, Violation};

/// A file of documents.
pub(super) struct Lines<'a> {
    path: &'static str,
    file: Box<dyn BufRead + 'a>,
    read: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(path: &'static str, file: Box<dyn BufRead + 'a>) -> Self {
        Lines {
            path,
            file,
            read: 0,
        }
    }

    /// The next document; `None` behind the last.
    pub(super) fn next<T: Serialize + DeserializeOwned>(&mut self) -> Result<Option<T>, Violation> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.file).take(LINE_MAX as u64 + 1);
        bounded
            .read_until(b'\n', &mut line)
            .map_err(|error| Violation::unreadable(self.path, &error))?;
        if line.is_empty() {
            return Ok(None);
        }
        self.read += 1;
        let parsed = line.strip_suffix(b"\n").and_then(canonical);
        parsed.map(Some).ok_or_else(|| self.here(Problem::Spelling))
    }

    /// A problem with the line that was read last.
    pub(super) fn here(&self, problem: Problem) -> Violation {
        Violation::File {
            path: self.path.to_owned(),
            line: self.read,
            problem,
        }
    }
}

/// A document in its one spelling: JSON without white space, fields in the order of the declaration.
pub(super) fn canonical<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(bytes).ok()?;
    let same = serde_json::to_vec(&read).is_ok_and(|written| written == bytes);
    same.then_some(read)
}
