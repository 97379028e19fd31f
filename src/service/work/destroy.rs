//! Destroying consent records: those of a person's rows, and those of uploads whose time is over.
//!
//! ```text
//! chunk by chunk: new file, durable ─▶ one transaction: new key over the old one ─▶ old file removed
//! ```
//! A kill before the transaction leaves a file without a key, one after it a file whose key is gone:
//! [`Ledger::clear`] removes either, at the next run and at the next start. Doing it again finds nobody.
//! The tree over the commitments stays: all other records are proven as before.
//!
//! What each party learns: nothing. The log says that something was destroyed, not how much.

use std::io::ErrorKind;

use tamis_keys::Secret;
use tamis_protocols::token::Token;

use super::{Held, JobError};
use crate::domain::id::Id;
use crate::service::append::blocking;
use crate::service::files::{Object, remove};
use crate::service::ledger::Stored;
use crate::service::{Service, ServiceError};
use crate::sets::{ChunkKeys, Ledger, SetError};
use crate::store::ledgers::ChunkRow;
use crate::store::{snapshot, transact};

/// A chunk that was written anew.
struct Rewritten {
    row: ChunkRow,
    /// The keys of all chunks, if the seed is still there.
    parted: Vec<ChunkRow>,
}

impl Service {
    /// Destroys every consent record that `owner` sent in a collaboration for a row with one of `tokens`, which
    /// ascend. Other sides' records are not touched. It may be run again, and after a kill: it takes up
    /// where it was. An upload that is sealed meanwhile is not gone through.
    ///
    /// # Errors
    /// The job is no longer held, or a file is damaged or cannot be written.
    pub async fn erase_records(
        &self,
        held: &Held,
        owner: &str,
        collaboration: Id,
        tokens: &[Token],
    ) -> Result<(), JobError> {
        let uploads = snapshot!(self.store(), "erase-records", |tx| {
            Ok::<_, JobError>(tx.ledgers_of(collaboration, owner).await?)
        })?;
        for upload in uploads {
            self.erase_in(held, upload, tokens).await?;
        }
        Ok(self.store().scrub().await?)
    }

    async fn erase_in(&self, held: &Held, upload: Id, tokens: &[Token]) -> Result<(), JobError> {
        let mut next = 0;
        loop {
            held.check()?;
            let stored = snapshot!(self.store(), "erase-ledger", |tx| {
                Ok::<_, JobError>(Stored::read(tx, upload).await?)
            })?;
            let Some(stored) = stored else {
                return Ok(());
            };
            let (service, tokens) = (self.clone(), tokens.to_vec());
            let rewritten = blocking(move || service.rewrite(&stored, next, &tokens)).await?;
            let Some(Rewritten { row, parted }) = rewritten else {
                return Ok(());
            };
            transact!(self.store(), "erase-chunk", |tx| {
                tx.hold_job(&held.job).await?;
                if !parted.is_empty() {
                    tx.part_ledger(upload, &parted).await?;
                }
                Ok::<_, JobError>(tx.rekey_chunk(upload, &row).await?)
            })?;
            next = row.chunk + 1;
        }
    }

    /// Clears what an earlier run left, and rewrites the first chunk from `next` on that has one of the
    /// tokens; none if no further one has.
    fn rewrite(
        &self,
        stored: &Stored,
        next: u32,
        tokens: &[Token],
    ) -> Result<Option<Rewritten>, ServiceError> {
        let failed = |error: SetError| ServiceError::internal("consent records", error);
        let id = stored.row.upload;
        let (mut ledger, keys) = self.open_ledger(stored)?.map_err(failed)?;
        Ledger::clear(&self.files().consent(id), &keys).map_err(failed)?;
        for chunk in next..ledger.chunks() {
            let fresh = Secret::generate(self.entropy());
            let written = ledger.rewrite(chunk, tokens, &keys, &fresh, self.entropy());
            if !written.map_err(failed)? {
                continue;
            }
            let generation = keys.generation(chunk).unwrap_or_default() + 1;
            let object = Object::LedgerChunk(id, chunk, generation);
            let row = ChunkRow {
                chunk,
                generation,
                wrapped_key: self.wrap(object, &fresh),
            };
            let parted = match &keys {
                ChunkKeys::Seed(seed) => self.parted(id, seed, ledger.chunks()),
                ChunkKeys::Own(_) => Vec::new(),
            };
            return Ok(Some(Rewritten { row, parted }));
        }
        Ok(None)
    }

    /// After a start: removes from every ledger what a killed erasure left.
    pub(super) async fn clear_ledgers(&self) -> Result<(), JobError> {
        let known = snapshot!(self.store(), "clear-ledgers", |tx| {
            Ok::<_, JobError>(tx.ledger_ids().await?)
        })?;
        for upload in known {
            let stored = snapshot!(self.store(), "clear-ledger", |tx| {
                Ok::<_, JobError>(Stored::read(tx, upload).await?)
            })?;
            let Some(stored) = stored.filter(|one| one.row.leaf.is_some()) else {
                continue;
            };
            let service = self.clone();
            let cleared = blocking(move || {
                let (_, keys) = service.ledger_keys(&stored)?;
                match Ledger::clear(&service.files().consent(upload), &keys) {
                    // What is missing is for the checker to find, not for the start to fail on.
                    Err(SetError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                        Ok(())
                    }
                    cleared => {
                        cleared.map_err(|error| ServiceError::internal("consent records", error))
                    }
                }
            });
            cleared.await?;
        }
        Ok(())
    }

    /// Destroys the records of uploads whose set was replaced long enough ago.
    pub(super) async fn forget_outdated_records(&self) -> Result<(), JobError> {
        let now = self.now();
        let until = self.before(now, self.limits().evidence_life);
        let outdated = snapshot!(self.store(), "outdated-ledgers", |tx| {
            Ok::<_, JobError>(tx.outdated_ledgers(until).await?)
        })?;
        if outdated.is_empty() {
            return Ok(());
        }
        for upload in outdated {
            transact!(self.store(), "forget-ledger", |tx| {
                Ok::<_, JobError>(tx.forget_ledger(upload, now).await?)
            })?;
            let path = self.files().consent(upload);
            remove(&path).map_err(|error| JobError::failed("consent records", error))?;
        }
        Ok(self.store().scrub().await?)
    }
}
