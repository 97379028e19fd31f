//! The head of a ledger: what it is, and where every chunk begins.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tamis_keys::Secret;
use tamis_keys::purpose::Data;

use super::super::SetError;
use super::super::block::{BlockFile, BlockReader, BlockWriter, FileNonce, STREAM_BLOCK};
use super::super::ingest::MAX_ROWS;
use super::{Tallies, context};

pub(super) const HEAD: &str = "head";
const VERSION: u32 = 1;
/// Most bytes of the JSON: 2³¹ rows in chunks of one row each would not fit, those of any real upload do.
const MOST: u64 = 256 << 20;

/// Where a chunk begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChunkEntry {
    /// Its first row.
    pub(super) first: u64,
    /// The nonce of its file while it was never rewritten.
    pub(super) nonce: FileNonce,
}

/// Stored as JSON in a block file of its own, written last.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) version: u32,
    pub(super) rows: u64,
    /// The batch root.
    pub(super) root: [u8; 32],
    /// The nonce of `hashes`.
    pub(super) hashes: FileNonce,
    pub(super) chunks: Vec<ChunkEntry>,
    pub(super) tallies: Tallies,
}

impl Head {
    pub(super) const VERSION: u32 = VERSION;

    pub(super) fn write(
        &self,
        directory: &Path,
        key: &Secret<Data>,
        upload: &str,
        nonce: &FileNonce,
    ) -> Result<(), SetError> {
        let path = directory.join(HEAD);
        let json = serde_json::to_vec(self);
        let json = json.map_err(|_| SetError::format(&path, "cannot be written"))?;
        let context = context(upload, HEAD);
        let mut file = BlockWriter::create(&path, key, &context, nonce, STREAM_BLOCK)?;
        file.write(&json)?;
        file.finish().map(|_| ())
    }

    pub(super) fn read(
        directory: &Path,
        key: &Secret<Data>,
        upload: &str,
    ) -> Result<Head, SetError> {
        let path = directory.join(HEAD);
        let wrong = |problem| SetError::format(&path, problem);
        let file = BlockFile::open(&path, key, &context(upload, HEAD))?;
        if file.bytes() > MOST {
            return Err(wrong("is too long"));
        }
        let mut json = vec![0; file.bytes() as usize];
        let mut reader = BlockReader::new(Arc::new(file));
        reader.read_all(&mut json)?;
        // The last block, if it is empty, is opened as well.
        if Read::read(&mut reader, &mut [0]).is_ok_and(|read| read > 0) {
            return Err(wrong("is longer than it says"));
        }
        let head: Head =
            serde_json::from_slice(&json).map_err(|_| wrong("cannot be understood"))?;
        if head.version != VERSION {
            return Err(wrong("is of another version"));
        }
        let begins = head.chunks.first().is_none_or(|chunk| chunk.first == 0);
        let ascends = head.chunks.is_sorted_by(|one, next| one.first < next.first);
        let within = head
            .chunks
            .last()
            .is_none_or(|chunk| chunk.first < head.rows);
        if head.rows > MAX_ROWS {
            return Err(wrong("has more rows than an upload"));
        }
        if !begins || !ascends || !within || head.chunks.is_empty() != (head.rows == 0) {
            return Err(wrong("contradicts itself"));
        }
        Ok(head)
    }

    /// The rows of a chunk: the first, and the first behind it.
    pub(super) fn rows_of(&self, chunk: u32) -> Option<(u64, u64)> {
        let at = chunk as usize;
        let first = self.chunks.get(at)?.first;
        let next = self
            .chunks
            .get(at + 1)
            .map_or(self.rows, |chunk| chunk.first);
        Some((first, next))
    }

    /// The chunk that a row is in.
    pub(super) fn chunk_of(&self, row: u64) -> Option<u32> {
        if row >= self.rows {
            return None;
        }
        let behind = self.chunks.partition_point(|chunk| chunk.first <= row);
        u32::try_from(behind.checked_sub(1)?).ok()
    }
}
