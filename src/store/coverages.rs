//! Coverage: what was told of a partner's cookies, once per set that was counted.

use jiff::Timestamp;

use super::row::{Row, int};
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;

/// A release of coverage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCoverage {
    /// The partner's upload whose set was counted.
    pub upload: Id,
    /// Where it is told.
    pub collaboration: Id,
    /// JSON: destination and released percent, in the order of their names.
    pub destinations: String,
    /// When it was released.
    pub at: Timestamp,
    /// Index of its leaf.
    pub leaf: u64,
}

impl Tx {
    /// The newest of a collaboration.
    pub async fn newest_coverage(
        &mut self,
        collaboration: Id,
    ) -> Result<Option<StoredCoverage>, StoreError> {
        let row = self
            .optional(
                sql(
                    "SELECT upload, collaboration, destinations, at, leaf FROM coverages \
                     WHERE collaboration = $1 ORDER BY leaf DESC LIMIT 1",
                )
                .bind(collaboration.to_string()),
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Adds one.
    pub async fn add_coverage(&mut self, new: &StoredCoverage) -> Result<(), StoreError> {
        self.one(
            sql(
                "INSERT INTO coverages (upload, collaboration, destinations, at, leaf) \
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(new.upload.to_string())
            .bind(new.collaboration.to_string())
            .bind(&new.destinations)
            .bind(new.at.as_millisecond())
            .bind(int(new.leaf)),
        )
        .await
    }
}

fn read(row: &Row) -> Result<StoredCoverage, StoreError> {
    Ok(StoredCoverage {
        upload: row.id("upload")?,
        collaboration: row.id("collaboration")?,
        destinations: row.text("destinations")?,
        at: row.time("at")?,
        leaf: row.count("leaf")?,
    })
}
