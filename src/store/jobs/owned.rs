//! Jobs as whoever asked for them sees them: how far they are, and cancelling them.
//!
//! A job belongs to one party: a sealing to the upload's owner, a match and a decision to the
//! advertiser of the collaboration. Deliveries and housekeeping belong to nobody and are not seen.

use jiff::Timestamp;

use super::{Job, JobKind};
use crate::domain::id::Id;
use crate::store::row::{Row, int};
use crate::store::transaction::sql;
use crate::store::{StoreError, Tx};

/// A job as its owner may see it.
#[derive(Clone, Debug)]
pub struct OwnedJob {
    /// Row id.
    pub id: Id,
    /// What it does.
    pub kind: JobKind,
    /// What it works on.
    pub subject: Id,
    /// How often it was started.
    pub attempts: u64,
    /// When the present run began; none if it waits.
    pub started_at: Option<Timestamp>,
    /// Thousandths of the present run that are done.
    pub progress: u64,
    /// When that last changed.
    pub progress_at: Option<Timestamp>,
    /// It was cancelled and has not stopped yet.
    pub cancelled: bool,
}

/// The columns of a job `j`, as it is read below, of those that belong to the party `$1`.
macro_rules! select_owned {
    ($rest:literal) => {
        concat!(
            "SELECT j.id AS id, j.kind AS kind, j.subject AS subject, j.attempts AS attempts, \
             j.progress AS progress, j.progress_at AS progress_at, \
             j.cancelled_at AS cancelled_at, j.started_at AS started_at, \
             j.lease_until AS lease_until FROM jobs j WHERE ((j.kind = 'seal' AND EXISTS (SELECT 1 FROM uploads u \
             WHERE u.id = j.subject AND u.owner = $1)) \
             OR (j.kind = 'match' AND EXISTS (SELECT 1 FROM matches m, collaborations c \
             WHERE m.id = j.subject AND c.id = m.collaboration AND c.advertiser = $1)) \
             OR (j.kind = 'decide' AND EXISTS (SELECT 1 FROM collaborations c \
             WHERE c.id = j.subject AND c.advertiser = $1))) ",
            $rest
        )
    };
}

impl Tx {
    /// A party's jobs, newest first, at most 1,000.
    pub async fn jobs_of(
        &mut self,
        party: &str,
        now: Timestamp,
    ) -> Result<Vec<OwnedJob>, StoreError> {
        let rows = self
            .all(sql(select_owned!("ORDER BY j.number DESC LIMIT 1000")).bind(party))
            .await?;
        rows.iter().map(|row| read(row, now)).collect()
    }

    /// The job of that id, if it is the party's.
    pub async fn job_of(
        &mut self,
        party: &str,
        id: Id,
        now: Timestamp,
    ) -> Result<Option<OwnedJob>, StoreError> {
        let row = self
            .optional(
                sql(select_owned!("AND j.id = $2"))
                    .bind(party)
                    .bind(id.to_string()),
            )
            .await?;
        row.as_ref().map(|row| read(row, now)).transpose()
    }

    /// The party's oldest job of a kind on a subject.
    pub async fn job_on(
        &mut self,
        party: &str,
        kind: JobKind,
        subject: Id,
        now: Timestamp,
    ) -> Result<Option<OwnedJob>, StoreError> {
        let row = self
            .optional(
                sql(select_owned!(
                    "AND j.kind = $2 AND j.subject = $3 ORDER BY j.number LIMIT 1"
                ))
                .bind(party)
                .bind(kind.as_str())
                .bind(subject.to_string()),
            )
            .await?;
        row.as_ref().map(|row| read(row, now)).transpose()
    }

    /// Computing jobs of anybody that wait, in the order in which they will be leased, at most 1,000.
    pub async fn waiting_jobs(&mut self, now: Timestamp) -> Result<Vec<Id>, StoreError> {
        let rows = self
            .all(
                sql(
                    "SELECT id FROM jobs WHERE kind IN ('seal', 'match', 'decide') \
                     AND lease_until <= $1 ORDER BY due_at, number LIMIT 1000",
                )
                .bind(now.as_millisecond()),
            )
            .await?;
        rows.iter().map(|row| row.id("id")).collect()
    }

    /// Cancels every job of a kind on a subject: those that wait are removed, those that run are marked.
    /// Their ids.
    pub async fn cancel_jobs(
        &mut self,
        kind: JobKind,
        subject: Id,
        now: Timestamp,
    ) -> Result<Vec<Id>, StoreError> {
        let rows = self
            .all(
                sql("SELECT id FROM jobs WHERE kind = $1 AND subject = $2 LIMIT 10000")
                    .bind(kind.as_str())
                    .bind(subject.to_string()),
            )
            .await?;
        self.many(
            sql(
                "DELETE FROM jobs WHERE kind = $1 AND subject = $2 AND lease_until <= $3 \
                 AND cancelled_at IS NULL",
            )
            .bind(kind.as_str())
            .bind(subject.to_string())
            .bind(now.as_millisecond()),
        )
        .await?;
        self.many(
            sql(
                "UPDATE jobs SET cancelled_at = $3 WHERE kind = $1 AND subject = $2 \
                 AND cancelled_at IS NULL",
            )
            .bind(kind.as_str())
            .bind(subject.to_string())
            .bind(now.as_millisecond()),
        )
        .await?;
        rows.iter().map(|row| row.id("id")).collect()
    }

    /// Whether a job was cancelled; false if its lease is no longer held.
    pub async fn job_cancelled(&mut self, job: &Job) -> Result<bool, StoreError> {
        let row = self
            .optional(
                sql("SELECT id FROM jobs WHERE id = $1 AND lease = $2 \
                     AND cancelled_at IS NOT NULL")
                .bind(job.id.to_string())
                .bind(job.lease.to_string()),
            )
            .await?;
        Ok(row.is_some())
    }

    /// Removes a job that was cancelled and has stopped. Fails unless the lease is held.
    pub async fn clear_job(&mut self, job: &Job) -> Result<(), StoreError> {
        self.one(
            sql("DELETE FROM jobs WHERE id = $1 AND lease = $2 AND cancelled_at IS NOT NULL")
                .bind(job.id.to_string())
                .bind(job.lease.to_string()),
        )
        .await
    }

    /// Shows how far a job is, in thousandths; nothing if the lease is no longer held.
    pub async fn show_progress(
        &mut self,
        job: &Job,
        progress: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.many(
            sql("UPDATE jobs SET progress = $1, progress_at = $2 WHERE id = $3 AND lease = $4")
                .bind(int(progress))
                .bind(now.as_millisecond())
                .bind(job.id.to_string())
                .bind(job.lease.to_string()),
        )
        .await?;
        Ok(())
    }
}

fn read(row: &Row, now: Timestamp) -> Result<OwnedJob, StoreError> {
    let leased = row.time("lease_until")? > now;
    Ok(OwnedJob {
        id: row.id("id")?,
        kind: JobKind::parse(&row.text("kind")?).ok_or(row.corrupt("kind"))?,
        subject: row.id("subject")?,
        attempts: row.count("attempts")?,
        started_at: row.time_or_null("started_at")?.filter(|_| leased),
        progress: row.count("progress")?,
        progress_at: row.time_or_null("progress_at")?,
        cancelled: row.time_or_null("cancelled_at")?.is_some(),
    })
}
