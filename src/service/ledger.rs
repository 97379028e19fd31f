//! The ledger of consent records: an owner proves its own records, one by one or by a person's tokens.
//!
//! What it learns: what it sent itself, with what the public log holds of it. Whether the other side knows
//! a token plays no part: the other side's uploads are never looked at.

use std::collections::{BTreeMap, HashSet};
use std::io::ErrorKind;

use tamis_keys::Secret;
use tamis_keys::purpose::Data;
use tamis_protocols::token::Token;
use tamis_protocols::wire::api::{RecordProofView, RecordView, RecordsRequest, RecordsView};

use super::append::blocking;
use super::files::Object;
use super::{Caller, Service, ServiceError, scope, withdraw};
use crate::domain::id::Id;
use crate::sets::{ChunkKey, ChunkKeys, Ledger, SetError, chunk_key};
use crate::store::ledgers::{ChunkRow, LedgerRow};
use crate::store::{StoreError, Tx, snapshot};

/// Most tokens of one question.
const MOST_TOKENS: usize = 1_000;
/// Most proofs of one answer.
const MOST_PROOFS: usize = 5_000;
/// A chunk may be rewritten between reading its key and its file; so often in a row it is not.
const ATTEMPTS: usize = 4;

/// What the database knows of a ledger.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) row: LedgerRow,
    chunks: Vec<ChunkRow>,
}

impl Stored {
    /// That of an upload, if its records are kept.
    pub(super) async fn read(tx: &mut Tx, upload: Id) -> Result<Option<Stored>, StoreError> {
        let Some(row) = tx.ledger(upload).await? else {
            return Ok(None);
        };
        let chunks = tx.ledger_chunks(upload).await?;
        Ok(Some(Stored { row, chunks }))
    }
}

impl Service {
    /// The keys of a ledger: that of its head, and those of its chunks.
    pub(super) fn ledger_keys(
        &self,
        stored: &Stored,
    ) -> Result<(Secret<Data>, ChunkKeys), ServiceError> {
        let id = stored.row.upload;
        let key = self.key(Object::Ledger(id), &stored.row.wrapped_key)?;
        let chunks = match &stored.row.wrapped_seed {
            Some(seed) => ChunkKeys::Seed(self.key(Object::LedgerSeed(id), seed)?),
            None => {
                let mut own = BTreeMap::new();
                for row in &stored.chunks {
                    let object = Object::LedgerChunk(id, row.chunk, row.generation);
                    let key = self.key(object, &row.wrapped_key)?;
                    let generation = row.generation;
                    own.insert(row.chunk, ChunkKey { generation, key });
                }
                ChunkKeys::Own(own)
            }
        };
        Ok((key, chunks))
    }

    /// Opens a ledger.
    pub(super) fn open_ledger(
        &self,
        stored: &Stored,
    ) -> Result<Result<(Ledger, ChunkKeys), SetError>, ServiceError> {
        let id = stored.row.upload;
        let (key, chunks) = self.ledger_keys(stored)?;
        let ledger = Ledger::open(&self.files().consent(id), &key, &id.to_string());
        Ok(ledger.map(|ledger| (ledger, chunks)))
    }

    /// The keys of all chunks of a ledger of `count` chunks whose seed is about to be forgotten.
    pub(super) fn parted(&self, id: Id, seed: &Secret<Data>, count: u32) -> Vec<ChunkRow> {
        let keys = (0..count).filter_map(|chunk| chunk_key(seed, chunk).map(|key| (chunk, key)));
        keys.map(|(chunk, key)| ChunkRow {
            chunk,
            generation: 0,
            wrapped_key: self.wrap(Object::LedgerChunk(id, chunk, 0), &key),
        })
        .collect()
    }

    /// The proof of one record of one of the caller's uploads, with the index of the leaf that it leads to.
    ///
    /// # Errors
    /// `no_records`; not found if there is no such row.
    pub async fn record_proof(
        &self,
        caller: &Caller,
        upload: &str,
        row: u64,
    ) -> Result<RecordProofView, ServiceError> {
        let id = scope::id(upload)?;
        snapshot!(self.store(), "record-scope", |tx| {
            scope::upload(tx, caller, id).await.map(|_| ())
        })?;
        let found = self.reading(id, move |ledger, keys| ledger.prove(row, keys));
        let (proof, log_index) = found.await?.ok_or_else(not_kept)?;
        let proof = proof.ok_or(ServiceError::NotFound)?;
        let logged = self.logged(vec![log_index]).await?.pop();
        Ok(RecordProofView {
            proof,
            log_index,
            logged,
        })
    }

    /// The caller's own records of people, by their tokens, with proofs; newest uploads first.
    ///
    /// # Errors
    /// `invalid_token`.
    pub async fn records(
        &self,
        caller: &Caller,
        collaboration: &str,
        request: RecordsRequest,
    ) -> Result<RecordsView, ServiceError> {
        let collaboration = scope::id(collaboration)?;
        let uploads = snapshot!(self.store(), "records-scope", |tx| {
            let found = scope::collaboration(tx, caller, collaboration).await?;
            Ok::<_, ServiceError>(tx.ledgers_of(found.id, &caller.name).await?)
        })?;
        let mut tokens = withdraw::parse(&request.tokens, MOST_TOKENS)?;
        tokens.sort_unstable();
        tokens.dedup();
        let mut view = RecordsView {
            items: Vec::new(),
            logged: Vec::new(),
            more: false,
        };
        for upload in uploads {
            let left = MOST_PROOFS - view.items.len();
            let asked = tokens.clone();
            let found = self.reading(upload, move |ledger, keys| {
                prove_tokens(ledger, keys, &asked, left)
            });
            // One whose time was over meanwhile is not kept.
            let Some(((proofs, more), log_index)) = found.await? else {
                continue;
            };
            view.items.extend(proofs.into_iter().map(|(token, proof)| {
                let token = hex::encode(token.0);
                RecordView {
                    token,
                    proof,
                    log_index,
                }
            }));
            if more {
                view.more = true;
                break;
            }
        }
        let mut leaves: Vec<u64> = view.items.iter().map(|one| one.log_index).collect();
        leaves.sort_unstable();
        leaves.dedup();
        view.logged = self.logged(leaves).await?;
        Ok(view)
    }

    /// Reads the ledger of a sealed upload, again if it is rewritten meanwhile; none if it is not kept.
    /// With the index of the upload's leaf.
    async fn reading<T: Send + 'static>(
        &self,
        upload: Id,
        read: impl Fn(&mut Ledger, &ChunkKeys) -> Result<T, SetError> + Clone + Send + 'static,
    ) -> Result<Option<(T, u64)>, ServiceError> {
        let mut attempt = 1;
        loop {
            let stored = snapshot!(self.store(), "ledger", |tx| {
                Ok::<_, ServiceError>(Stored::read(tx, upload).await?)
            })?;
            let Some((stored, leaf)) = stored.and_then(|one| one.row.leaf.map(|leaf| (one, leaf)))
            else {
                return Ok(None);
            };
            let (service, read) = (self.clone(), read.clone());
            let found = blocking(move || {
                let opened = service.open_ledger(&stored)?;
                Ok(opened.and_then(|(mut ledger, keys)| read(&mut ledger, &keys)))
            });
            match found.await? {
                Ok(found) => return Ok(Some((found, leaf))),
                Err(SetError::Io { source, .. })
                    if source.kind() == ErrorKind::NotFound && attempt < ATTEMPTS =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(ServiceError::internal("consent records", error)),
            }
        }
    }
}

/// Proofs of the rows of tokens, each row once, at most `most`; whether there are more.
type Proofs = (Vec<(Token, tamis_protocols::consent::RecordProof)>, bool);

fn prove_tokens(
    ledger: &mut Ledger,
    keys: &ChunkKeys,
    tokens: &[Token],
    most: usize,
) -> Result<Proofs, SetError> {
    let mut rows = ledger.rows_of(tokens, keys)?;
    let mut seen = HashSet::new();
    rows.retain(|(_, row)| seen.insert(*row));
    // Chunk by chunk, so that each is opened once.
    rows.sort_unstable_by_key(|(_, row)| *row);
    let more = rows.len() > most;
    rows.truncate(most);
    let mut proofs = Vec::with_capacity(rows.len());
    for (token, row) in rows {
        proofs.extend(ledger.prove(row, keys)?.map(|proof| (token, proof)));
    }
    Ok((proofs, more))
}

fn not_kept() -> ServiceError {
    ServiceError::conflict(
        "no_records",
        "No consent records are kept of this upload: it is not sealed, it was sealed before they were kept, or their time is over.",
    )
}
