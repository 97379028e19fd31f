//! Member files: what a destination was told of an audience, or may have been told.
//!
//! At most one file per audience and destination is `told`. Files in `partial` were being sent when
//! something newer took over, or when attempts were used up: some of their members may be there.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::row::{Row, int};
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;
use crate::domain::state::{self, State, Step};

/// A member file.
#[derive(Clone)]
pub struct MemberFile {
    /// Names the file.
    pub id: Id,
    /// Which audience.
    pub audience: Id,
    /// Where.
    pub destination: String,
    /// The delivery it was written for.
    pub delivery: Id,
    /// Where it stands.
    pub state: state::MemberFile,
    /// Its data key, wrapped.
    pub wrapped_key: String,
    /// The day consent was judged on.
    pub judged_on: Date,
    /// How many withdrawals were honoured.
    pub withdrawals: u64,
    /// When it was written: the timestamp inside its batches.
    pub created_at: Timestamp,
}

impl Tx {
    /// The member file of that id.
    pub async fn member_file(&mut self, id: Id) -> Result<Option<MemberFile>, StoreError> {
        let row = self
            .optional(
                sql(
                    "SELECT id, audience, destination, delivery, state, wrapped_key, judged_on, \
                     withdrawals, created_at FROM member_files WHERE id = $1",
                )
                .bind(id.to_string()),
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// What a destination was or may have been told of an audience, oldest first.
    pub async fn told(
        &mut self,
        audience: Id,
        destination: &str,
    ) -> Result<Vec<MemberFile>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT id, audience, destination, delivery, state, wrapped_key, judged_on, \
                     withdrawals, created_at FROM member_files WHERE audience = $1 \
                     AND destination = $2 AND state IN ($3, $4) ORDER BY number",
                )
                .bind(audience.to_string())
                .bind(destination)
                .bind(state::MemberFile::Told.as_str())
                .bind(state::MemberFile::Partial.as_str()),
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Ids of every member file there is, to tell orphaned files on disk.
    pub async fn member_file_ids(&mut self) -> Result<HashSet<Id>, StoreError> {
        let rows = self.all(sql("SELECT id FROM member_files")).await?;
        rows.iter().map(|row| row.id("id")).collect()
    }

    /// Adds one, planned.
    pub async fn add_member_file(&mut self, new: &MemberFile) -> Result<(), StoreError> {
        let number = self.count("order").await?;
        self.one(
            sql(
                "INSERT INTO member_files (id, audience, destination, delivery, state, \
                 wrapped_key, judged_on, withdrawals, number, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(new.id.to_string())
            .bind(new.audience.to_string())
            .bind(&new.destination)
            .bind(new.delivery.to_string())
            .bind(new.state.as_str())
            .bind(&new.wrapped_key)
            .bind(new.judged_on.to_string())
            .bind(int(new.withdrawals))
            .bind(number)
            .bind(new.created_at.as_millisecond()),
        )
        .await
    }

    /// Moves a member file along an arrow.
    pub async fn step_member_file(
        &mut self,
        id: Id,
        step: Step<state::MemberFile>,
    ) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE member_files SET state = $1 WHERE id = $2 AND state = $3")
                .bind(step.to().as_str())
                .bind(id.to_string())
                .bind(step.from().as_str()),
        )
        .await
    }

    /// Forgets a member file that nothing of was sent.
    pub async fn forget_planned(&mut self, id: Id) -> Result<(), StoreError> {
        self.many(
            sql("DELETE FROM member_files WHERE id = $1 AND state = $2")
                .bind(id.to_string())
                .bind(state::MemberFile::Planned.as_str()),
        )
        .await?;
        Ok(())
    }

    /// Forgets every other file of the audience and destination: `kept` is what was told.
    pub async fn forget_others(
        &mut self,
        audience: Id,
        destination: &str,
        kept: Id,
    ) -> Result<(), StoreError> {
        self.many(
            sql("DELETE FROM member_files WHERE audience = $1 AND destination = $2 AND id <> $3")
                .bind(audience.to_string())
                .bind(destination)
                .bind(kept.to_string()),
        )
        .await?;
        Ok(())
    }

    /// Audiences at destinations whose state should be judged again: what was told was judged before
    /// `today`, or something was sent only in part. At most 1,000, and none that already has a
    /// delivery waiting or running. Each with its collaboration.
    pub async fn stale_audiences(
        &mut self,
        today: Date,
    ) -> Result<Vec<(Id, Id, String)>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT DISTINCT a.collaboration AS collaboration, m.audience AS audience, \
                     m.destination AS destination FROM member_files m \
                     JOIN audiences a ON a.id = m.audience \
                     WHERE m.state <> $1 AND m.judged_on < $2 AND NOT EXISTS \
                     (SELECT 1 FROM deliveries d WHERE d.audience = m.audience \
                     AND d.destination = m.destination AND d.state IN ($3, $4)) LIMIT 1000",
                )
                .bind(state::MemberFile::Planned.as_str())
                .bind(today.to_string())
                .bind(state::Delivery::Queued.as_str())
                .bind(state::Delivery::Sending.as_str()),
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok((
                    row.id("collaboration")?,
                    row.id("audience")?,
                    row.text("destination")?,
                ))
            })
            .collect()
    }
}

fn read(row: &Row) -> Result<MemberFile, StoreError> {
    Ok(MemberFile {
        id: row.id("id")?,
        audience: row.id("audience")?,
        destination: row.text("destination")?,
        delivery: row.id("delivery")?,
        state: row.state("state")?,
        wrapped_key: row.text("wrapped_key")?,
        judged_on: row.day("judged_on")?,
        withdrawals: row.count("withdrawals")?,
        created_at: row.time("created_at")?,
    })
}
