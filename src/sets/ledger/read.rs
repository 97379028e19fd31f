//! Reading a ledger: proofs of rows, and the rows of tokens.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tamis_keys::Secret;
use tamis_keys::purpose::Data;
use tamis_protocols::consent::{
    RecordProof, batch_head, commitment_to_bytes, leaf_hash, path_root,
};
use tamis_protocols::token::Token;

use super::super::SetError;
use super::super::block::BlockFile;
use super::super::directory::names;
use super::chunk::Chunk;
use super::head::{HEAD, Head};
use super::tree::TreeReader;
use super::write::HASHES;
use super::{Tallies, chunk_key, chunk_name, context};

/// The key of a chunk, and how often it was rewritten.
pub struct ChunkKey {
    /// How often.
    pub generation: u32,
    /// The data key.
    pub key: Secret<Data>,
}

/// The keys of all chunks of a ledger.
pub enum ChunkKeys {
    /// None was ever rewritten: all are made of the seed.
    Seed(Secret<Data>),
    /// Every chunk has its own.
    Own(BTreeMap<u32, ChunkKey>),
}

impl ChunkKeys {
    /// How often a chunk was rewritten; none if it has no key.
    pub fn generation(&self, chunk: u32) -> Option<u32> {
        match self {
            ChunkKeys::Seed(_) => Some(0),
            ChunkKeys::Own(keys) => keys.get(&chunk).map(|key| key.generation),
        }
    }

    fn open<T>(&self, chunk: u32, open: impl FnOnce(&Secret<Data>) -> T) -> Option<T> {
        match self {
            ChunkKeys::Seed(seed) => chunk_key(seed, chunk).map(|key| open(&key)),
            ChunkKeys::Own(keys) => keys.get(&chunk).map(|key| open(&key.key)),
        }
    }
}

/// An opened ledger. Memory: where its chunks begin, and a few blocks.
pub struct Ledger {
    directory: PathBuf,
    upload: String,
    head: Head,
    tree: TreeReader,
    /// The chunk that was read last.
    last: Option<(u32, Chunk)>,
}

impl Ledger {
    /// Opens the ledger of `upload` in `directory` with the key of its head.
    ///
    /// # Errors
    /// A missing, damaged or foreign file, by name.
    pub fn open(directory: &Path, key: &Secret<Data>, upload: &str) -> Result<Self, SetError> {
        let head = Head::read(directory, key, upload)?;
        let path = directory.join(HASHES);
        let file = BlockFile::open(&path, key, &context(upload, HASHES))?;
        if *file.nonce() != head.hashes {
            return Err(SetError::format(&path, "is not the file that was written"));
        }
        let tree = TreeReader::new(Arc::new(file), head.rows)?;
        Ok(Ledger {
            directory: directory.to_owned(),
            upload: upload.to_owned(),
            head,
            tree,
            last: None,
        })
    }

    /// Rows, whether they were let in or not, erased or not.
    pub fn rows(&self) -> u64 {
        self.head.rows
    }

    /// How many chunks there are.
    pub fn chunks(&self) -> u32 {
        self.head.chunks.len() as u32
    }

    /// The Merkle root over the commitments of its records.
    pub fn root(&self) -> [u8; 32] {
        self.head.root
    }

    /// The batch head that the log has.
    pub fn consent_root(&self) -> [u8; 32] {
        batch_head(self.head.rows, &self.head.root)
    }

    /// What the records said when they were sealed.
    pub fn tallies(&self) -> &Tallies {
        &self.head.tallies
    }

    /// The proof of a row; none if there is no such row.
    ///
    /// # Errors
    /// A file is damaged, or holds another record than was committed to.
    pub fn prove(&mut self, row: u64, keys: &ChunkKeys) -> Result<Option<RecordProof>, SetError> {
        let Some(chunk) = self.head.chunk_of(row) else {
            return Ok(None);
        };
        let (first, _) = self.head.rows_of(chunk).unwrap_or_default();
        let leaf = self.tree.leaf(row)?;
        let path = self.tree.path(row)?;
        if path_root(row, self.head.rows, leaf, &path) != Some(self.head.root) {
            return Err(SetError::format(
                &self.directory.join(HASHES),
                "does not lead to the root of the head",
            ));
        }
        let at = self.path(chunk, keys);
        let opened = self.chunk(chunk, keys)?;
        let kept = opened.kept((row - first) as u32)?;
        let mut proof = RecordProof {
            upload: String::new(),
            row,
            rows: 0,
            record: None,
            salt: None,
            leaf: None,
            path: path.iter().map(hex::encode).collect(),
        };
        match kept {
            None => proof.leaf = Some(hex::encode(leaf)),
            Some(kept) => {
                let record = opened.record(&kept)?;
                if leaf_hash(&commitment_to_bytes(&kept.salt, &record)) != leaf {
                    let problem = "holds another record than was committed to";
                    return Err(SetError::format(&at, problem));
                }
                proof.salt = Some(hex::encode(kept.salt));
                proof.record = Some(hex::encode(record));
            }
        }
        proof.rows = self.head.rows;
        proof.upload.clone_from(&self.upload);
        Ok(Some(proof))
    }

    /// The rows that have one of `tokens`, which ascend: token and row, in the order of the chunks.
    ///
    /// # Errors
    /// A file is damaged.
    pub fn rows_of(
        &mut self,
        tokens: &[Token],
        keys: &ChunkKeys,
    ) -> Result<Vec<(Token, u64)>, SetError> {
        let mut found = Vec::new();
        for chunk in 0..self.chunks() {
            let (first, _) = self.head.rows_of(chunk).unwrap_or_default();
            let rows = self.chunk(chunk, keys)?.rows_of(tokens)?;
            found.extend(
                rows.into_iter()
                    .map(|(token, row)| (Token(token), first + u64::from(row))),
            );
        }
        Ok(found)
    }

    /// Reads everything and compares every record with what was committed to.
    ///
    /// # Errors
    /// The first file that is not as it was written.
    pub fn verify(&mut self, keys: &ChunkKeys) -> Result<(), SetError> {
        if self.rows() > 0 && self.tree.root(0, self.rows())? != self.head.root {
            let path = self.directory.join(HASHES);
            return Err(SetError::format(
                &path,
                "does not lead to the root of the head",
            ));
        }
        self.tree.verify()?;
        for number in 0..self.chunks() {
            let (first, _) = self.head.rows_of(number).unwrap_or_default();
            let path = self.path(number, keys);
            self.chunk(number, keys)?;
            let Some((_, chunk)) = &mut self.last else {
                continue;
            };
            let mut kept = Vec::new();
            chunk.each(|row, found| kept.extend(found.map(|found| (row, found))))?;
            chunk.each_subject(|_| {})?;
            for (row, found) in kept {
                let record = chunk.record(&found)?;
                let leaf = leaf_hash(&commitment_to_bytes(&found.salt, &record));
                if self.tree.leaf(first + u64::from(row))? != leaf {
                    let problem = "holds another record than was committed to";
                    return Err(SetError::format(&path, problem));
                }
            }
        }
        Ok(())
    }

    /// Removes what a killed erasure left: files of chunks that are not the ones with a key.
    ///
    /// # Errors
    /// The directory cannot be read or written.
    pub fn clear(directory: &Path, keys: &ChunkKeys) -> Result<(), SetError> {
        let fail = |error| SetError::io(directory)(error);
        for name in names(directory).map_err(fail)? {
            let path = directory.join(&name);
            let name = name.to_string_lossy();
            let current = name == HEAD || name == HASHES || is_current(&name, keys);
            if !current {
                fs::remove_file(&path).map_err(SetError::io(&path))?;
            }
        }
        Ok(())
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn upload(&self) -> &str {
        &self.upload
    }

    /// Forgets the chunk that was read last: it may be another one by now.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    /// A chunk, opened.
    pub(super) fn chunk(&mut self, chunk: u32, keys: &ChunkKeys) -> Result<&mut Chunk, SetError> {
        if self.last.as_ref().is_none_or(|(last, _)| *last != chunk) {
            let path = self.path(chunk, keys);
            let generation = keys.generation(chunk).unwrap_or_default();
            let context = context(&self.upload, &chunk_name(chunk, generation));
            let opened = keys.open(chunk, |key| Chunk::open(&path, key, &context));
            let opened = opened.ok_or_else(|| SetError::format(&path, "has no key"))??;
            let (first, next) = self.head.rows_of(chunk).unwrap_or_default();
            let nonce = self
                .head
                .chunks
                .get(chunk as usize)
                .map(|chunk| chunk.nonce);
            let same = generation > 0 || nonce.as_ref() == Some(opened.nonce());
            if !same || u64::from(opened.rows()) != next - first {
                return Err(SetError::format(&path, "is not the file that was written"));
            }
            self.last = None;
            return Ok(&mut self.last.insert((chunk, opened)).1);
        }
        match &mut self.last {
            Some((_, opened)) => Ok(opened),
            None => Err(SetError::format(&self.directory, "has no such chunk")),
        }
    }

    fn path(&self, chunk: u32, keys: &ChunkKeys) -> PathBuf {
        let generation = keys.generation(chunk).unwrap_or_default();
        self.directory.join(chunk_name(chunk, generation))
    }
}

fn is_current(name: &str, keys: &ChunkKeys) -> bool {
    let mut parts = name.split('.');
    let numbers = (parts.next(), parts.next(), parts.next(), parts.next());
    let (Some("records"), Some(chunk), Some(generation), None) = numbers else {
        return false;
    };
    let (Ok(chunk), Ok(generation)) = (chunk.parse(), generation.parse()) else {
        return false;
    };
    keys.generation(chunk) == Some(generation) && name == chunk_name(chunk, generation)
}
