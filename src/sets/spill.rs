//! A temporary encrypted file of blocks that belong to lists.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use tamis_keys::Secret;
use tamis_keys::envelope::BlockCipher;
use tamis_keys::purpose::Data;

use super::SetError;
use super::directory::create_file;

/// Blocks of up to one length, each appended to a list and read back at will. The file is made with
/// the first block and removed with the value. Every write has its own position, so that a position
/// is never sealed twice.
pub(super) struct Spill {
    path: PathBuf,
    file: Option<File>,
    cipher: BlockCipher,
    length: usize,
    next: u64,
    lists: Vec<Vec<(u64, u32)>>,
    sealed: Vec<u8>,
}

impl Spill {
    /// No blocks yet. `context` must be one that was never used with `key` before.
    pub(super) fn new(
        path: PathBuf,
        key: &Secret<Data>,
        context: &str,
        lists: usize,
        length: usize,
    ) -> Self {
        Spill {
            path,
            file: None,
            cipher: BlockCipher::new(key, context),
            length,
            next: 0,
            lists: vec![Vec::new(); lists],
            sealed: Vec::new(),
        }
    }

    /// The most bytes a block may have.
    pub(super) fn block_length(&self) -> usize {
        self.length
    }

    /// Empties list `list`, making it if it is the next one.
    pub(super) fn start_list(&mut self, list: usize) {
        if list >= self.lists.len() {
            self.lists.resize(list + 1, Vec::new());
        }
        self.lists[list].clear();
    }

    /// Blocks in a list.
    pub(super) fn blocks(&self, list: usize) -> usize {
        self.lists[list].len()
    }

    /// Moves a block to the end of a list, leaving `block` empty with its memory.
    pub(super) fn put(&mut self, list: usize, block: &mut Vec<u8>) -> Result<(), SetError> {
        if self.file.is_none() {
            // What a crash may have left there is of no use to anybody.
            let _ = fs::remove_file(&self.path);
            self.file = Some(create_file(&self.path)?);
        }
        let length = block.len();
        self.cipher.seal_in_place(self.next, false, block);
        let offset = self.next * (self.length + BlockCipher::OVERHEAD) as u64;
        if let Some(file) = &self.file {
            file.write_all_at(block, offset)
                .map_err(SetError::io(&self.path))?;
        }
        self.lists[list].push((self.next, length as u32));
        self.next += 1;
        block.clear();
        Ok(())
    }

    /// Appends the plaintext of a list's block to `out`.
    pub(super) fn get(
        &mut self,
        list: usize,
        block: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), SetError> {
        let (index, length) = self.lists[list][block];
        let offset = index * (self.length + BlockCipher::OVERHEAD) as u64;
        self.sealed
            .resize(length as usize + BlockCipher::OVERHEAD, 0);
        if let Some(file) = &self.file {
            file.read_exact_at(&mut self.sealed, offset)
                .map_err(SetError::io(&self.path))?;
        }
        match self.cipher.open_in_place(index, false, &mut self.sealed) {
            Ok(plaintext) => out.extend_from_slice(plaintext),
            Err(_) => return Err(SetError::damaged(&self.path, index)),
        }
        Ok(())
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        if self.file.is_some() {
            // Best effort: the directory it is in is removed by the next attempt.
            let _ = fs::remove_file(&self.path);
        }
    }
}
