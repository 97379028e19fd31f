//! Writing a ledger while an upload is read, in the order of the rows.

use std::path::Path;

use tamis_keys::purpose::Data;
use tamis_keys::{Entropy, Secret};

use super::super::SetError;
use super::super::block::{BlockWriter, FileNonce};
use super::super::directory::Staged;
use super::build::{ChunkBuilder, MOST_ROWS};
use super::head::{ChunkEntry, Head};
use super::pack::Packed;
use super::tree::{TILE, TreeWriter};
use super::{Tallies, chunk_key, chunk_name, context};

pub(super) const HASHES: &str = "hashes";
/// Bytes of a chunk, at most and at least.
const MOST_BYTES: usize = 32 << 20;
const LEAST_BYTES: usize = 64 << 10;

/// Where the consent records of an upload are kept, and under which keys.
#[derive(Clone, Copy)]
pub struct LedgerPlace<'a> {
    /// The directory; built in `dir.tmp`.
    pub dir: &'a Path,
    /// The data key of head and hashes.
    pub key: &'a Secret<Data>,
    /// What the keys of chunks are made of.
    pub seed: &'a Secret<Data>,
}

/// A ledger under construction. Memory: one chunk, and a tile of hashes for each level.
pub(in crate::sets) struct LedgerWriter<'a> {
    place: LedgerPlace<'a>,
    upload: &'a str,
    entropy: &'a dyn Entropy,
    staged: Staged,
    most: usize,
    tree: TreeWriter,
    hashes: FileNonce,
    chunk: ChunkBuilder,
    rows: u64,
    chunks: Vec<ChunkEntry>,
    /// The numbers that a batch's shapes have in the chunk.
    numbers: Vec<Option<u32>>,
}

/// A ledger that only lacks its name.
pub(in crate::sets) struct Written {
    pub(in crate::sets) staged: Staged,
    pub(in crate::sets) root: [u8; 32],
}

impl<'a> LedgerWriter<'a> {
    /// Begins the ledger of `upload`, with chunks of an eighth of `memory` bytes at most.
    pub(in crate::sets) fn create(
        place: LedgerPlace<'a>,
        upload: &'a str,
        entropy: &'a dyn Entropy,
        memory: usize,
    ) -> Result<Self, SetError> {
        let staged = Staged::directory(place.dir)?;
        let hashes = nonce(entropy);
        let path = staged.path().join(HASHES);
        let context = context(upload, HASHES);
        let file = BlockWriter::create(&path, place.key, &context, &hashes, TILE)?;
        Ok(LedgerWriter {
            place,
            upload,
            entropy,
            staged,
            most: (memory / 8).clamp(LEAST_BYTES, MOST_BYTES),
            tree: TreeWriter::new(file),
            hashes,
            chunk: ChunkBuilder::default(),
            rows: 0,
            chunks: Vec::new(),
            numbers: Vec::new(),
        })
    }

    /// Appends a batch.
    pub(in crate::sets) fn batch(&mut self, packed: &Packed) -> Result<(), SetError> {
        self.numbers.clear();
        self.numbers.resize(packed.shapes.len(), None);
        let mut subjects = packed.subjects.iter().peekable();
        for (row, (shape, own)) in packed.rows.iter().enumerate() {
            if self.chunk.rows() == MOST_ROWS || self.chunk.weight() >= self.most {
                self.close_chunk()?;
                self.numbers.fill(None);
            }
            let at = *shape as usize;
            let chunk = &mut self.chunk;
            let number = *self.numbers[at].get_or_insert_with(|| chunk.shape(&packed.shapes[at]));
            let in_chunk = chunk.rows();
            chunk.push(number, own, &packed.salts[row]);
            while let Some((token, _)) = subjects.next_if(|(_, of)| *of as usize == row) {
                chunk.subject(token.0, in_chunk);
            }
            self.tree.push(packed.leaves[row])?;
            self.rows += 1;
        }
        Ok(())
    }

    fn close_chunk(&mut self) -> Result<(), SetError> {
        let number = self.chunks.len() as u32;
        let name = chunk_name(number, 0);
        let path = self.staged.path().join(&name);
        let first = self.rows - u64::from(self.chunk.rows());
        let key = chunk_key(self.place.seed, number);
        let key = key.ok_or_else(|| SetError::format(&path, "has no key"))?;
        let nonce = nonce(self.entropy);
        let context = context(self.upload, &name);
        self.chunk.write(&path, &key, &context, &nonce)?;
        self.chunks.push(ChunkEntry { first, nonce });
        Ok(())
    }

    /// Writes what is left; all is durable but the directory's name. `tallies` say what was appended.
    pub(in crate::sets) fn finish(mut self, tallies: Tallies) -> Result<Written, SetError> {
        if self.chunk.rows() > 0 {
            self.close_chunk()?;
        }
        let (rows, root, _) = self.tree.finish()?;
        let head = Head {
            version: Head::VERSION,
            rows,
            root,
            hashes: self.hashes,
            chunks: self.chunks,
            tallies,
        };
        let nonce = nonce(self.entropy);
        head.write(self.staged.path(), self.place.key, self.upload, &nonce)?;
        Ok(Written {
            staged: self.staged,
            root,
        })
    }
}

pub(super) fn nonce(entropy: &dyn Entropy) -> FileNonce {
    let mut nonce = [0; 16];
    entropy.fill(&mut nonce);
    nonce
}
