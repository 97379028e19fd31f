//! Withdrawals, oppositions and erasures. The tokens themselves are in sealed files; here is which files
//! there are.

use jiff::Timestamp;
use tamis_protocols::wire::api::RequestKind;

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
    /// What was asked for.
    pub kind: RequestKind,
    /// Erasures: when it was done, and the index of the leaf that says so.
    pub erased: Option<(Timestamp, u64)>,
}

/// The columns of a withdrawal, as it is read below, with what follows `FROM`.
macro_rules! select_withdrawal {
    ($rest:literal) => {
        concat!(
            "SELECT id, collaboration, sender, number, tokens, wrapped_key, salt, at, leaf, kind, \
             erased_at, erased_leaf FROM withdrawals ",
            $rest
        )
    };
}

impl Tx {
    /// The withdrawal of that id, whoever asks: callers scope it.
    pub async fn withdrawal(&mut self, id: Id) -> Result<Option<Withdrawal>, StoreError> {
        let row = self
            .optional(sql(select_withdrawal!("WHERE id = $1")).bind(id.to_string()))
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Every withdrawal of a collaboration, in order. One small row each, for as many as there are.
    pub async fn withdrawals(&mut self, collaboration: Id) -> Result<Vec<Withdrawal>, StoreError> {
        let rows = self
            .all(
                sql(select_withdrawal!(
                    "WHERE collaboration = $1 ORDER BY number"
                ))
                .bind(collaboration.to_string()),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Those that one side sent, newest first, at most 1,000.
    pub async fn withdrawals_of(
        &mut self,
        collaboration: Id,
        sender: &str,
    ) -> Result<Vec<Withdrawal>, StoreError> {
        let rows = self
            .all(
                sql(select_withdrawal!(
                    "WHERE collaboration = $1 AND sender = $2 ORDER BY number DESC LIMIT 1000"
                ))
                .bind(collaboration.to_string())
                .bind(sender.to_owned()),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Erasures that one side asked for, in order.
    pub async fn erasures_of(
        &mut self,
        collaboration: Id,
        sender: &str,
    ) -> Result<Vec<Withdrawal>, StoreError> {
        let rows = self
            .all(
                sql(select_withdrawal!(
                    "WHERE collaboration = $1 AND sender = $2 AND kind = $3 ORDER BY number"
                ))
                .bind(collaboration.to_string())
                .bind(sender.to_owned())
                .bind(RequestKind::Erasure.as_str()),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// How often people of a collaboration were erased, first time and again.
    pub async fn erasures(&mut self, collaboration: Id) -> Result<u64, StoreError> {
        let row = self
            .optional(
                sql(
                    "SELECT COUNT(erased_at) AS done, CAST(COALESCE(SUM(erased_again), 0) AS BIGINT) \
                     AS again FROM withdrawals WHERE collaboration = $1",
                )
                .bind(collaboration.to_string()),
            )
            .await?;
        row.map_or(Ok(0), |row| Ok(row.count("done")? + row.count("again")?))
    }

    /// Counts that an erasure was done again, for a later upload.
    pub async fn set_erased_again(&mut self, id: Id) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE withdrawals SET erased_again = erased_again + 1 \
                 WHERE id = $1 AND erased_at IS NOT NULL")
            .bind(id.to_string()),
        )
        .await
    }

    /// Records that what an erasure asked to destroy is destroyed. Fails if it was recorded before.
    pub async fn set_erased(
        &mut self,
        id: Id,
        now: Timestamp,
        leaf: u64,
    ) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE withdrawals SET erased_at = $1, erased_leaf = $2 \
                 WHERE id = $3 AND kind = $4 AND erased_at IS NULL")
            .bind(now.as_millisecond())
            .bind(int(leaf))
            .bind(id.to_string())
            .bind(RequestKind::Erasure.as_str()),
        )
        .await
    }

    /// Adds one.
    pub async fn add_withdrawal(&mut self, new: &Withdrawal) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO withdrawals (id, collaboration, sender, number, tokens, \
                 wrapped_key, salt, at, leaf, kind) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(new.id.to_string())
            .bind(new.collaboration.to_string())
            .bind(&new.sender)
            .bind(int(new.number))
            .bind(int(new.tokens))
            .bind(&new.wrapped_key)
            .bind(&new.salt)
            .bind(new.at.as_millisecond())
            .bind(int(new.leaf))
            .bind(new.kind.as_str()),
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
        kind: RequestKind::parse(&row.text("kind")?).ok_or(row.corrupt("kind"))?,
        erased: match row.time_or_null("erased_at")? {
            Some(at) => {
                let leaf = row.count_or_null("erased_leaf")?;
                Some((at, leaf.ok_or(row.corrupt("erased_leaf"))?))
            }
            None => None,
        },
    })
}
