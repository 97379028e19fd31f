//! Ledgers of consent records: which there are, and the keys without which nobody can read them.
//!
//! To forget a key is to write over it. SQLite then clears the place where it was (`secure_delete`), and
//! [`Store::scrub`](super::Store::scrub) empties its write-ahead log.

use std::collections::HashSet;

use jiff::Timestamp;

use super::row::{Row, int};
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;
use crate::domain::state::{self, State};

/// The ledger of an upload.
#[derive(Clone)]
pub struct LedgerRow {
    /// The upload.
    pub upload: Id,
    /// Data key of head and hashes, wrapped.
    pub wrapped_key: String,
    /// The seed of its chunks' keys, wrapped; none once something was erased.
    pub wrapped_seed: Option<String>,
    /// Index of the upload's leaf; none while it is not sealed.
    pub leaf: Option<u64>,
    /// Rows by what their records said, as JSON; none as above.
    pub tallies: Option<String>,
}

/// The key of one chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkRow {
    /// Which, from 0.
    pub chunk: u32,
    /// How often it was rewritten.
    pub generation: u32,
    /// Its data key, wrapped.
    pub wrapped_key: String,
}

impl Tx {
    /// The ledger of an upload, whoever asks: callers scope it. None if its records are not kept.
    pub async fn ledger(&mut self, upload: Id) -> Result<Option<LedgerRow>, StoreError> {
        let row = self
            .optional(
                sql(
                    "SELECT upload, wrapped_key, wrapped_seed, leaf, tallies FROM ledgers \
                     WHERE upload = $1 AND wrapped_key IS NOT NULL",
                )
                .bind(upload.to_string()),
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Adds one that is about to be written.
    pub async fn add_ledger(&mut self, new: &LedgerRow) -> Result<(), StoreError> {
        self.one(
            sql("INSERT INTO ledgers (upload, wrapped_key, wrapped_seed) VALUES ($1, $2, $3)")
                .bind(new.upload.to_string())
                .bind(&new.wrapped_key)
                .bind(new.wrapped_seed.clone()),
        )
        .await
    }

    /// Its upload was sealed, and `leaf` says so.
    pub async fn seal_ledger(
        &mut self,
        upload: Id,
        leaf: u64,
        tallies: &str,
    ) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE ledgers SET leaf = $1, tallies = $2 WHERE upload = $3 AND leaf IS NULL")
                .bind(int(leaf))
                .bind(tallies)
                .bind(upload.to_string()),
        )
        .await
    }

    /// Tallies of sealed uploads whose records are kept, with the upload and its leaf, the newest first, at most
    /// 1,000.
    pub async fn tallies(&mut self) -> Result<Vec<(Id, u64, String)>, StoreError> {
        let rows = self
            .all(sql(
                "SELECT upload, leaf, tallies FROM ledgers WHERE leaf IS NOT NULL \
                 AND tallies IS NOT NULL AND wrapped_key IS NOT NULL ORDER BY leaf DESC LIMIT 1000",
            ))
            .await?;
        rows.iter()
            .map(|row| Ok((row.id("upload")?, row.count("leaf")?, row.text("tallies")?)))
            .collect()
    }

    /// Forgets one whose upload came to nothing; that there is none is fine.
    pub async fn drop_ledger(&mut self, upload: Id) -> Result<(), StoreError> {
        self.many(
            sql("DELETE FROM ledgers WHERE upload = $1 AND leaf IS NULL").bind(upload.to_string()),
        )
        .await?;
        Ok(())
    }

    /// The keys of its chunks, in their order; empty as long as nothing was erased.
    pub async fn ledger_chunks(&mut self, upload: Id) -> Result<Vec<ChunkRow>, StoreError> {
        let rows = self
            .all(
                sql("SELECT chunk, generation, wrapped_key FROM ledger_chunks \
                     WHERE upload = $1 ORDER BY chunk")
                .bind(upload.to_string()),
            )
            .await?;
        let small =
            |row: &Row, column| u32::try_from(row.count(column)?).map_err(|_| row.corrupt(column));
        rows.iter()
            .map(|row| {
                Ok(ChunkRow {
                    chunk: small(row, "chunk")?,
                    generation: small(row, "generation")?,
                    wrapped_key: row.text("wrapped_key")?,
                })
            })
            .collect()
    }

    /// Forgets the seed: `chunks` are the keys of all chunks from now on. Fails if it was forgotten.
    pub async fn part_ledger(&mut self, upload: Id, chunks: &[ChunkRow]) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE ledgers SET wrapped_seed = NULL \
                 WHERE upload = $1 AND wrapped_seed IS NOT NULL")
            .bind(upload.to_string()),
        )
        .await?;
        for chunk in chunks {
            self.one(
                sql(
                    "INSERT INTO ledger_chunks (upload, chunk, generation, wrapped_key) \
                     VALUES ($1, $2, $3, $4)",
                )
                .bind(upload.to_string())
                .bind(i64::from(chunk.chunk))
                .bind(i64::from(chunk.generation))
                .bind(&chunk.wrapped_key),
            )
            .await?;
        }
        Ok(())
    }

    /// The chunk was rewritten: its new key in the place of the old one. Fails unless it is of the
    /// generation before.
    pub async fn rekey_chunk(&mut self, upload: Id, chunk: &ChunkRow) -> Result<(), StoreError> {
        self.one(
            sql(
                "UPDATE ledger_chunks SET generation = $1, wrapped_key = $2 \
                 WHERE upload = $3 AND chunk = $4 AND generation = $5",
            )
            .bind(i64::from(chunk.generation))
            .bind(&chunk.wrapped_key)
            .bind(upload.to_string())
            .bind(i64::from(chunk.chunk))
            .bind(i64::from(chunk.generation) - 1),
        )
        .await
    }

    /// Uploads of one owner in a collaboration whose records are kept, newest first.
    pub async fn ledgers_of(
        &mut self,
        collaboration: Id,
        owner: &str,
    ) -> Result<Vec<Id>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT u.id AS id FROM ledgers l, uploads u WHERE u.id = l.upload \
                     AND u.collaboration = $1 AND u.owner = $2 AND l.leaf IS NOT NULL \
                     AND l.wrapped_key IS NOT NULL ORDER BY u.sealed_order DESC",
                )
                .bind(collaboration.to_string())
                .bind(owner),
            )
            .await?;
        rows.iter().map(|row| row.id("id")).collect()
    }

    /// Every upload whose records are kept, or may be by a running job: to tell orphaned directories.
    pub async fn ledger_ids(&mut self) -> Result<HashSet<Id>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT l.upload AS id FROM ledgers l, uploads u WHERE u.id = l.upload \
                     AND u.state IN ($1, $2) AND l.wrapped_key IS NOT NULL",
                )
                .bind(state::Upload::Sealing.as_str())
                .bind(state::Upload::Sealed.as_str()),
            )
            .await?;
        rows.iter().map(|row| row.id("id")).collect()
    }

    /// Uploads whose set was replaced by a full one at `until` or before and whose records are still kept,
    /// at most 100.
    pub async fn outdated_ledgers(&mut self, until: Timestamp) -> Result<Vec<Id>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT l.upload AS id FROM ledgers l, uploads u WHERE u.id = l.upload \
                     AND l.leaf IS NOT NULL AND l.wrapped_key IS NOT NULL AND EXISTS \
                     (SELECT 1 FROM uploads n WHERE n.collaboration = u.collaboration \
                     AND n.kind = u.kind AND n.state = $1 AND n.mode = 'full' \
                     AND n.sealed_order > u.sealed_order AND n.sealed_at <= $2) LIMIT 100",
                )
                .bind(state::Upload::Sealed.as_str())
                .bind(until.as_millisecond()),
            )
            .await?;
        rows.iter().map(|row| row.id("id")).collect()
    }

    /// The records of an upload are no longer kept: every key is forgotten.
    pub async fn forget_ledger(&mut self, upload: Id, now: Timestamp) -> Result<(), StoreError> {
        self.many(sql("DELETE FROM ledger_chunks WHERE upload = $1").bind(upload.to_string()))
            .await?;
        self.one(
            sql(
                "UPDATE ledgers SET wrapped_key = NULL, wrapped_seed = NULL, removed_at = $1 \
                 WHERE upload = $2 AND wrapped_key IS NOT NULL",
            )
            .bind(now.as_millisecond())
            .bind(upload.to_string()),
        )
        .await
    }
}

fn read(row: &Row) -> Result<LedgerRow, StoreError> {
    Ok(LedgerRow {
        upload: row.id("upload")?,
        wrapped_key: row.text("wrapped_key")?,
        wrapped_seed: row.text_or_null("wrapped_seed")?,
        leaf: row.count_or_null("leaf")?,
        tallies: row.text_or_null("tallies")?,
    })
}
