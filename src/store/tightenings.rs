//! Tightenings of the release policy, as their parties signed them. None is changed or removed.

use jiff::Timestamp;

use super::row::{Row, int};
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;

/// A tightening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTightening {
    /// What it belongs to.
    pub collaboration: Id,
    /// Who signed it.
    pub party: String,
    /// Its number among this party's there.
    pub number: u32,
    /// The exact signed bytes.
    pub document: String,
    /// Base64.
    pub signature: String,
    /// When it took effect.
    pub at: Timestamp,
    /// Index of its leaf.
    pub leaf: u64,
}

impl Tx {
    /// All of a collaboration, the oldest first.
    pub async fn tightenings(
        &mut self,
        collaboration: Id,
    ) -> Result<Vec<StoredTightening>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT collaboration, party, number, document, signature, at, leaf \
                     FROM tightenings WHERE collaboration = $1 ORDER BY leaf",
                )
                .bind(collaboration.to_string()),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Adds one.
    pub async fn add_tightening(&mut self, new: &StoredTightening) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO tightenings (collaboration, party, number, document, signature, at, \
                 leaf) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(new.collaboration.to_string())
            .bind(&new.party)
            .bind(i64::from(new.number))
            .bind(&new.document)
            .bind(&new.signature)
            .bind(new.at.as_millisecond())
            .bind(int(new.leaf)),
        )
        .await
    }
}

fn read(row: &Row) -> Result<StoredTightening, StoreError> {
    Ok(StoredTightening {
        collaboration: row.id("collaboration")?,
        party: row.text("party")?,
        number: u32::try_from(row.count("number")?).map_err(|_| row.corrupt("number"))?,
        document: row.text("document")?,
        signature: row.text("signature")?,
        at: row.time("at")?,
        leaf: row.count("leaf")?,
    })
}
