//! Uploads that the operator has to look at before anything of them is delivered.

use jiff::Timestamp;

use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;

/// An upload in quarantine, or that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// The advertiser's upload.
    pub upload: Id,
    /// Its owner.
    pub owner: String,
    /// Where.
    pub collaboration: Id,
    /// When it was noticed.
    pub at: Timestamp,
    /// When the operator let it go on.
    pub cleared_at: Option<Timestamp>,
}

impl Tx {
    /// Puts an upload in quarantine, unless it is or was.
    pub async fn add_quarantine(&mut self, upload: Id, now: Timestamp) -> Result<(), StoreError> {
        self.many(
            sql(
                "INSERT INTO quarantines (upload, at) SELECT $1, $2 WHERE NOT EXISTS \
                 (SELECT 1 FROM quarantines WHERE upload = $1)",
            )
            .bind(upload.to_string())
            .bind(now.as_millisecond()),
        )
        .await?;
        Ok(())
    }

    /// Whether an upload is in quarantine; none: it never was.
    pub async fn in_quarantine(&mut self, upload: Id) -> Result<Option<bool>, StoreError> {
        let row = self
            .optional(
                sql("SELECT cleared_at FROM quarantines WHERE upload = $1")
                    .bind(upload.to_string()),
            )
            .await?;
        row.map(|row| Ok(row.time_or_null("cleared_at")?.is_none()))
            .transpose()
    }

    /// Those that the operator has not looked at, oldest first, at most 1,000.
    pub async fn quarantines(&mut self) -> Result<Vec<Quarantine>, StoreError> {
        let rows = self
            .all(sql(
                "SELECT q.upload AS upload, u.owner AS owner, u.collaboration AS collaboration, \
                 q.at AS at, q.cleared_at AS cleared_at FROM quarantines q \
                 JOIN uploads u ON u.id = q.upload WHERE q.cleared_at IS NULL \
                 ORDER BY q.at, q.upload LIMIT 1000",
            ))
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Quarantine {
                    upload: row.id("upload")?,
                    owner: row.text("owner")?,
                    collaboration: row.id("collaboration")?,
                    at: row.time("at")?,
                    cleared_at: row.time_or_null("cleared_at")?,
                })
            })
            .collect()
    }

    /// Lets an upload go on: what was decided on it is held no longer. Fails unless it is in quarantine.
    pub async fn clear_quarantine(&mut self, upload: Id, now: Timestamp) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE quarantines SET cleared_at = $1 WHERE upload = $2 AND cleared_at IS NULL")
                .bind(now.as_millisecond())
                .bind(upload.to_string()),
        )
        .await?;
        self.many(
            sql("UPDATE decisions SET held = 0 WHERE advertiser_upload = $1")
                .bind(upload.to_string()),
        )
        .await?;
        Ok(())
    }

    /// Deliveries that wait for nothing but a job: their decision was held.
    pub async fn deliveries_without_job(&mut self, upload: Id) -> Result<Vec<Id>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT v.id AS id FROM deliveries v JOIN decisions d ON d.id = v.decision \
                     WHERE d.advertiser_upload = $1 AND v.state = 'queued' AND NOT EXISTS \
                     (SELECT 1 FROM jobs j WHERE j.subject = v.id AND j.kind = 'deliver') \
                     ORDER BY v.number LIMIT 100000",
                )
                .bind(upload.to_string()),
            )
            .await?;
        rows.iter().map(|row| row.id("id")).collect()
    }
}
