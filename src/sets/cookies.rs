//! A partner's cookies at one destination, in row order.
//!
//! ```text
//! row u32 LE ‖ tag 16 ‖ length u8 ‖ cookie (an 88-byte label, or 1 to 63 bytes in the open)
//! ```

use std::sync::Arc;

use super::SetError;
use super::block::{BlockFile, BlockReader};

/// The longest cookie.
pub(super) const MAX_COOKIE: usize = 88;
/// What stands before it: row, tag, length.
pub(super) const HEAD: usize = 21;

/// The file of the `destination`-th destination.
pub(super) fn file_name(destination: usize) -> String {
    format!("cookies.{destination}")
}

/// Appends a cookie of `row` to the content of the file.
pub(super) fn encode(bytes: &mut Vec<u8>, row: u32, tag: &[u8; 16], cookie: &[u8]) {
    bytes.extend_from_slice(&row.to_le_bytes());
    bytes.extend_from_slice(tag);
    bytes.push(cookie.len() as u8);
    bytes.extend_from_slice(cookie);
}

/// Reads cookies in row order. Memory: one block.
pub(super) struct CookieWalk {
    file: Arc<BlockFile>,
    reader: BlockReader,
    /// The present cookie's row.
    pub(super) row: u32,
    /// Its tag.
    pub(super) tag: [u8; 16],
    length: usize,
    cookie: [u8; MAX_COOKIE],
}

impl CookieWalk {
    pub(super) fn new(file: Arc<BlockFile>) -> Self {
        CookieWalk {
            reader: BlockReader::new(file.clone()),
            file,
            row: 0,
            tag: [0; 16],
            length: 0,
            cookie: [0; MAX_COOKIE],
        }
    }

    /// Goes to the next cookie; `false` at the end.
    pub(super) fn advance(&mut self) -> Result<bool, SetError> {
        let mut head = [0; HEAD];
        if !self.reader.read(&mut head)? {
            return Ok(false);
        }
        self.row = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        self.tag.copy_from_slice(&head[4..20]);
        self.length = usize::from(head[20]);
        if self.length > MAX_COOKIE {
            return Err(SetError::format(
                self.file.path(),
                "has an impossible cookie",
            ));
        }
        self.reader.read_all(&mut self.cookie[..self.length])?;
        Ok(true)
    }

    /// The present cookie.
    pub(super) fn cookie(&self) -> &[u8] {
        &self.cookie[..self.length]
    }
}
