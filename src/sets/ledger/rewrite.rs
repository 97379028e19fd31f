//! Erasing rows: their chunk is written anew without their records, salts and tokens, under another key.

use tamis_keys::purpose::Data;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::token::Token;

use super::super::SetError;
use super::super::directory::Staged;
use super::build::ChunkBuilder;
use super::read::{ChunkKeys, Ledger};
use super::write::nonce;
use super::{chunk_name, context};

impl Ledger {
    /// Writes chunk `chunk` as its next generation under `new`, without the rows that have one of `tokens`,
    /// which ascend; `false`, and nothing is written, if none has. The old file stays: it is removed by
    /// [`Ledger::clear`] once the new key is the one that counts. Memory: the chunk.
    ///
    /// # Errors
    /// A file is damaged or cannot be written; nothing is left behind.
    pub fn rewrite(
        &mut self,
        chunk: u32,
        tokens: &[Token],
        keys: &ChunkKeys,
        new: &Secret<Data>,
        entropy: &dyn Entropy,
    ) -> Result<bool, SetError> {
        let generation = keys.generation(chunk).unwrap_or_default() + 1;
        let name = chunk_name(chunk, generation);
        let (path, context) = (self.directory().join(&name), context(self.upload(), &name));
        let old = self.chunk(chunk, keys)?;
        let found = old.rows_of(tokens)?;
        if found.is_empty() {
            return Ok(false);
        }
        let mut erased = vec![false; old.rows() as usize];
        for (_, row) in found {
            erased[row as usize] = true;
        }
        let (mut built, mut kept) = (ChunkBuilder::default(), Vec::new());
        old.each(|row, found| kept.push(found.filter(|_| !erased[row as usize])))?;
        for found in kept {
            match found {
                None => built.push_erased(),
                Some(found) => {
                    let shape = built.shape(old.shape(found.shape));
                    built.push(shape, &found.own, &found.salt);
                }
            }
        }
        old.each_subject(|(token, row)| {
            if !erased[row as usize] {
                built.subject(token, row);
            }
        })?;
        self.forget();
        let staged = Staged::file(&path)?;
        built.write(staged.path(), new, &context, &nonce(entropy))?;
        // Of an attempt whose key was never stored.
        if path.exists() {
            std::fs::remove_file(&path).map_err(SetError::io(&path))?;
        }
        staged.publish()?;
        Ok(true)
    }
}
