//! Withdrawals. The tokens themselves are in sealed files; here is which files there are.

use jiff::Timestamp;

use super::row::{Row, int};
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;

/// A withdrawal.
#[derive(Clone)]
pub struct Withdrawal {
    /// Resource id; names the file.
    pub id: Id,
    /// Where it applies.
    pub collaboration: Id,
    /// Who sent it.
    pub sender: String,
    /// 1, 2, 3 … within the collaboration.
    pub number: u64,
    /// Distinct tokens in it.
    pub tokens: u64,
    /// Data key of the file, wrapped.
    pub wrapped_key: String,
    /// Opens the commitment in the log, hexadecimal.
    pub salt: String,
    /// When it took effect.
    pub at: Timestamp,
    /// Index of its leaf.
    pub leaf: u64,
}

impl Tx {
    /// The withdrawal of that id, whoever asks: callers scope it.
    pub async fn withdrawal(&mut self, id: Id) -> Result<Option<Withdrawal>, StoreError> {
        let row = self
            .optional(
                sql(
                    "SELECT id, collaboration, sender, number, tokens, wrapped_key, salt, at, \
                     leaf FROM withdrawals WHERE id = $1",
                )
                .bind(id.to_string()),
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Every withdrawal of a collaboration, in order. One small row each, for as many as there are.
    pub async fn withdrawals(&mut self, collaboration: Id) -> Result<Vec<Withdrawal>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT id, collaboration, sender, number, tokens, wrapped_key, salt, at, \
                     leaf FROM withdrawals WHERE collaboration = $1 ORDER BY number",
                )
                .bind(collaboration.to_string()),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Adds one.
    pub async fn add_withdrawal(&mut self, new: &Withdrawal) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO withdrawals (id, collaboration, sender, number, tokens, \
                 wrapped_key, salt, at, leaf) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(new.id.to_string())
            .bind(new.collaboration.to_string())
            .bind(&new.sender)
            .bind(int(new.number))
            .bind(int(new.tokens))
            .bind(&new.wrapped_key)
            .bind(&new.salt)
            .bind(new.at.as_millisecond())
            .bind(int(new.leaf)),
        )
        .await
    }
}

fn read(row: &Row) -> Result<Withdrawal, StoreError> {
    Ok(Withdrawal {
        id: row.id("id")?,
        collaboration: row.id("collaboration")?,
        sender: row.text("sender")?,
        number: row.count("number")?,
        tokens: row.count("tokens")?,
        wrapped_key: row.text("wrapped_key")?,
        salt: row.text("salt")?,
        at: row.time("at")?,
        leaf: row.count("leaf")?,
    })
}
