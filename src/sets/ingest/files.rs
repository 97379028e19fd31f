//! The files of a layer while it is made.

use std::collections::BTreeMap;
use std::path::Path;

use tamis_keys::purpose::Data;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::wire::batch::UploadKind;

use super::super::block::{BlockPlaces, BlockWriter, FileNonce};
use super::super::header::{FileEntry, context};
use super::super::run::{INDEX, RunWriter, TOKENS, write_index};
use super::super::sort::Scratch;
use super::SetError;

/// Makes the files of one layer in its directory, each under its own fresh nonce.
pub(in crate::sets) struct Files<'a> {
    pub(in crate::sets) directory: &'a Path,
    pub(in crate::sets) key: &'a Secret<Data>,
    pub(in crate::sets) set_id: &'a str,
    pub(in crate::sets) entropy: &'a dyn Entropy,
    /// Whether a finished file is on the disk and not only on its way.
    pub(in crate::sets) durable: bool,
    pub(in crate::sets) entries: BTreeMap<String, FileEntry>,
}

impl Files<'_> {
    pub(in crate::sets) fn nonce(&self) -> FileNonce {
        let mut nonce = [0; 16];
        self.entropy.fill(&mut nonce);
        nonce
    }

    /// Starts a file; it belongs to the layer once [`Files::close`] was called for it.
    pub(in crate::sets) fn create(
        &mut self,
        name: &str,
        length: usize,
    ) -> Result<BlockWriter, SetError> {
        let nonce = self.begin(name);
        let (path, context) = (self.directory.join(name), context(self.set_id, name));
        BlockWriter::create(&path, self.key, &context, &nonce, length)
    }

    /// Ends a file.
    pub(in crate::sets) fn close(&mut self, name: &str, file: BlockWriter) -> Result<(), SetError> {
        let bytes = file.close(self.durable)?;
        self.done(name, bytes);
        Ok(())
    }

    /// Starts a file of `bytes` bytes whose blocks are written in any order.
    pub(in crate::sets) fn place(
        &mut self,
        name: &str,
        length: usize,
        bytes: u64,
    ) -> Result<BlockPlaces, SetError> {
        let nonce = self.begin(name);
        let (path, context) = (self.directory.join(name), context(self.set_id, name));
        BlockPlaces::create(&path, self.key, &context, &nonce, length, bytes)
    }

    /// Ends a file that [`Files::place`] started.
    pub(in crate::sets) fn close_places(
        &mut self,
        name: &str,
        file: BlockPlaces,
    ) -> Result<(), SetError> {
        let bytes = file.close(self.durable)?;
        self.done(name, bytes);
        Ok(())
    }

    /// Writes a file of one piece.
    pub(in crate::sets) fn write(
        &mut self,
        name: &str,
        length: usize,
        bytes: &[u8],
    ) -> Result<(), SetError> {
        let mut file = self.create(name, length)?;
        file.write(bytes)?;
        self.close(name, file)
    }

    /// Starts the token run.
    pub(in crate::sets) fn create_run(&mut self, kind: UploadKind) -> Result<RunWriter, SetError> {
        let nonce = self.begin(TOKENS);
        let (path, context) = (self.directory.join(TOKENS), context(self.set_id, TOKENS));
        let mut run = RunWriter::create(&path, self.key, &context, &nonce, kind)?;
        if self.durable {
            run.write_back()?;
        }
        Ok(run)
    }

    /// Ends the token run and writes its index.
    pub(in crate::sets) fn close_run(&mut self, run: RunWriter) -> Result<(), SetError> {
        let (bytes, index) = run.finish(self.durable)?;
        self.done(TOKENS, bytes);
        let nonce = self.begin(INDEX);
        let (path, context) = (self.directory.join(INDEX), context(self.set_id, INDEX));
        let bytes = write_index(&path, self.key, &context, &nonce, &index, self.durable)?;
        self.done(INDEX, bytes);
        Ok(())
    }

    /// Temporary files for sorting.
    pub(in crate::sets) fn scratch(&self) -> Scratch {
        let context = context(self.set_id, "sorting");
        Scratch::new(self.directory, self.key, &context, &self.nonce())
    }

    /// Enters a file with a fresh nonce.
    fn begin(&mut self, name: &str) -> FileNonce {
        let nonce = self.nonce();
        let entry = FileEntry { nonce, bytes: 0 };
        self.entries.insert(name.to_owned(), entry);
        nonce
    }

    /// Notes the final length of a file.
    fn done(&mut self, name: &str, bytes: u64) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.bytes = bytes;
        }
    }
}
