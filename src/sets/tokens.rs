//! The token run of a set: every token once per owner, sorted, in columns.
//!
//! ```text
//! block of n ≤ 4,096 records:  n × token 16  ‖  n × owner u32 LE  ‖  (graph) n × last valid day u16 LE
//! ```
//! The owner is an advertiser's row, or a partner's person; a partner's run holds a token once. The
//! index file holds the first token of every block, so that any range of the token space, a thread's
//! or one day a node's share, is found without reading the rest.

use std::path::Path;
use std::sync::Arc;

use tamis_keys::Secret;
use tamis_keys::purpose::Data;
use tamis_protocols::wire::batch::UploadKind;

use super::SetError;
use super::block::{BlockFile, BlockReader, BlockWriter, FileNonce, STREAM_BLOCK};

const RECORDS: usize = 4096;
pub(super) const TOKENS: &str = "tokens";
pub(super) const INDEX: &str = "tokens.index";

fn record_length(kind: UploadKind) -> usize {
    match kind {
        UploadKind::Crm => 20,
        UploadKind::Graph => 22,
    }
}

/// Writes a run, record by record in order. Memory: two blocks, and 16 bytes per block of index.
pub(super) struct TokenWriter {
    tokens: BlockWriter,
    graph: bool,
    index: Vec<u8>,
    columns: [Vec<u8>; 3],
    records: usize,
    block: Vec<u8>,
}

impl TokenWriter {
    pub(super) fn create(
        path: &Path,
        key: &Secret<Data>,
        context: &str,
        nonce: &FileNonce,
        kind: UploadKind,
    ) -> Result<Self, SetError> {
        let length = RECORDS * record_length(kind);
        Ok(TokenWriter {
            tokens: BlockWriter::create(path, key, context, nonce, length)?,
            graph: kind == UploadKind::Graph,
            index: Vec::new(),
            columns: Default::default(),
            records: 0,
            block: Vec::new(),
        })
    }

    pub(super) fn push(&mut self, token: &[u8], owner: u32, day: u16) -> Result<(), SetError> {
        if self.records == 0 {
            self.index.extend_from_slice(token);
        }
        let [tokens, owners, days] = &mut self.columns;
        tokens.extend_from_slice(token);
        owners.extend_from_slice(&owner.to_le_bytes());
        if self.graph {
            days.extend_from_slice(&day.to_le_bytes());
        }
        self.records += 1;
        match self.records == RECORDS {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Makes the run durable; returns its length and the index, to be written as a file of its own.
    pub(super) fn finish(mut self) -> Result<(u64, Vec<u8>), SetError> {
        self.flush()?;
        Ok((self.tokens.finish()?, self.index))
    }

    fn flush(&mut self) -> Result<(), SetError> {
        self.block.clear();
        for column in &mut self.columns {
            self.block.extend_from_slice(column);
            column.clear();
        }
        self.records = 0;
        self.tokens.write(&self.block)
    }
}

/// Writes the index that goes with a run.
pub(super) fn write_index(
    path: &Path,
    key: &Secret<Data>,
    context: &str,
    nonce: &FileNonce,
    index: &[u8],
) -> Result<u64, SetError> {
    let mut writer = BlockWriter::create(path, key, context, nonce, STREAM_BLOCK)?;
    writer.write(index)?;
    writer.finish()
}

/// An opened run. Memory: 16 bytes per 4,096 tokens.
pub(crate) struct TokenRun {
    file: Arc<BlockFile>,
    firsts: Vec<u128>,
    record: usize,
}

/// One block of a run, in columns of equal length.
pub(crate) struct TokenBlock<'a> {
    /// Ascending tokens.
    pub(crate) tokens: &'a [[u8; 16]],
    /// Rows or persons, little-endian.
    pub(crate) owners: &'a [[u8; 4]],
    /// Last valid days, little-endian; empty for an advertiser.
    pub(crate) days: &'a [[u8; 2]],
}

impl TokenRun {
    pub(super) fn open(
        file: Arc<BlockFile>,
        index: Arc<BlockFile>,
        kind: UploadKind,
    ) -> Result<Self, SetError> {
        let record = record_length(kind);
        let blocks = file.bytes().div_ceil((RECORDS * record) as u64);
        let whole = file.bytes().is_multiple_of(record as u64);
        if !whole || file.block_length() != RECORDS * record || index.bytes() != blocks * 16 {
            return Err(SetError::format(file.path(), "does not fit its index"));
        }
        let mut reader = BlockReader::new(index.clone());
        let (mut firsts, mut first) = (Vec::with_capacity(blocks as usize), [0; 16]);
        while reader.read(&mut first)? {
            firsts.push(u128::from_be_bytes(first));
        }
        if !firsts.is_sorted() {
            return Err(SetError::format(index.path(), "is not in order"));
        }
        Ok(TokenRun {
            file,
            firsts,
            record,
        })
    }

    /// Opens a block at the start of `buffer`; returns its length.
    fn load(&self, block: usize, buffer: &mut Vec<u8>) -> Result<usize, SetError> {
        Ok(self.file.block(block as u64, buffer)?.len())
    }

    fn columns<'b>(&self, bytes: &'b [u8]) -> TokenBlock<'b> {
        let records = bytes.len() / self.record;
        let (tokens, rest) = bytes.split_at(records * 16);
        let (owners, days) = rest.split_at(records * 4);
        TokenBlock {
            tokens: tokens.as_chunks().0,
            owners: owners.as_chunks().0,
            days: days.as_chunks().0,
        }
    }

    /// The first token of every block: where the token space may be cut into equal shares.
    pub(crate) fn firsts(&self) -> &[u128] {
        &self.firsts
    }
}

/// Walks a run from one token up to, but not including, another. Memory: one block.
pub(crate) struct TokenCursor<'a> {
    run: &'a TokenRun,
    block: usize,
    buffer: Vec<u8>,
    length: usize,
    loaded: bool,
    at: usize,
    from: u128,
    to: Option<u128>,
}

impl<'a> TokenCursor<'a> {
    /// From `from` to before `to`, or to the end.
    pub(crate) fn new(run: &'a TokenRun, from: u128, to: Option<u128>) -> Self {
        TokenCursor {
            run,
            // The block before the first one that starts at or after `from` may reach into the range.
            block: run
                .firsts
                .partition_point(|first| *first < from)
                .saturating_sub(1),
            buffer: Vec::new(),
            length: 0,
            loaded: false,
            at: 0,
            from,
            to,
        }
    }

    /// Skips blocks that end before `token`; what was looked at stays where it is.
    pub(crate) fn seek(&mut self, token: u128) {
        let block = self.run.firsts.partition_point(|first| *first < token);
        if block.saturating_sub(1) > self.block {
            self.block = block - 1;
            self.loaded = false;
            self.from = token;
        }
    }

    /// What is not consumed of the present block; `None` at the end of the range.
    pub(crate) fn window(&mut self) -> Result<Option<TokenBlock<'_>>, SetError> {
        loop {
            let Some(first) = self.run.firsts.get(self.block) else {
                return Ok(None);
            };
            if self.to.is_some_and(|to| *first >= to) {
                return Ok(None);
            }
            if !self.loaded {
                self.length = self.run.load(self.block, &mut self.buffer)?;
                let from = self.from.to_be_bytes();
                let tokens = self.run.columns(&self.buffer[..self.length]).tokens;
                self.at = tokens.partition_point(|token| *token < from);
                self.loaded = true;
            }
            if self.at < self.length / self.run.record {
                break;
            }
            self.block += 1;
            self.loaded = false;
        }
        let block = self.run.columns(&self.buffer[..self.length]);
        let end = match self.to {
            None => block.tokens.len(),
            Some(to) => {
                let to = to.to_be_bytes();
                block.tokens.partition_point(|token| *token < to)
            }
        };
        if end <= self.at {
            return Ok(None);
        }
        Ok(Some(TokenBlock {
            tokens: &block.tokens[self.at..end],
            owners: &block.owners[self.at..end],
            days: block.days.get(self.at..end).unwrap_or_default(),
        }))
    }

    /// Consumes `records` of the window.
    pub(crate) fn advance(&mut self, records: usize) {
        self.at += records;
    }
}
