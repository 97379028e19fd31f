//! Jobs: leased, heartbeaten, given back. A job's row goes in the transaction of its result.
//!
//! A job that was cancelled while it ran keeps its row until its worker has stopped, but nobody can
//! write a result for it any more: holding and ending it fail. So of finishing and cancelling the one
//! that commits first wins, and a kill between the two brings nothing back.

mod lane;
mod owned;

use jiff::Timestamp;

pub use owned::OwnedJob;

use super::row::{Row, int};
use super::transaction::sql;
use super::{StoreError, Tx};
use crate::domain::id::Id;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Seal an upload.
    Seal,
    /// Evaluate a match and ask the gate.
    Match,
    /// Evaluate an audience at a destination and ask the gate.
    Decide,
    /// Bring a destination to an audience's state.
    Deliver,
    /// Publish leaves: tiles and a signed checkpoint.
    Publish,
    /// Write the set of an upload as one layer.
    Compact,
    /// Destroy what is kept of the people of an erasure.
    Erase,
    /// End incomplete uploads; judge told audiences again.
    Expire,
}

impl JobKind {
    /// The word in the database and in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            JobKind::Seal => "seal",
            JobKind::Match => "match",
            JobKind::Decide => "decide",
            JobKind::Deliver => "deliver",
            JobKind::Publish => "publish",
            JobKind::Compact => "compact",
            JobKind::Erase => "erase",
            JobKind::Expire => "expire",
        }
    }

    fn parse(word: &str) -> Option<JobKind> {
        [
            JobKind::Seal,
            JobKind::Match,
            JobKind::Decide,
            JobKind::Deliver,
            JobKind::Publish,
            JobKind::Compact,
            JobKind::Erase,
            JobKind::Expire,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }
}

/// A leased job. Whoever holds it may write its result, once.
#[derive(Clone, Debug)]
pub struct Job {
    /// Row id.
    pub id: Id,
    /// What to do.
    pub kind: JobKind,
    /// What to do it on.
    pub subject: String,
    /// How often it was leased, this time included.
    pub attempts: u64,
    /// This lease.
    pub lease: Id,
    /// Cancelled in an earlier life: only to be cleared away.
    pub cancelled: bool,
}

/// The next job to lease, as it was seen in the queue.
#[derive(Clone, Debug)]
pub struct Due {
    /// Row id.
    pub id: Id,
    /// What to do.
    pub kind: JobKind,
    /// What to do it on.
    pub subject: String,
    /// Only to be cleared away.
    pub cancelled: bool,
    attempts: u64,
}

/// What became of a lease that was to be extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// It is held.
    Held,
    /// It is held, but the job was cancelled.
    Cancelled,
    /// Somebody else has it, or the job is gone.
    Lost,
}

/// Three kinds that one group of workers takes; repeat one if there are fewer.
pub type Kinds = [JobKind; 3];

impl Tx {
    /// Queues a job, due at once. Jobs of one `lane` run one at a time, in order.
    pub async fn add_job(
        &mut self,
        id: Id,
        kind: JobKind,
        subject: &str,
        lane: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let number = self.count("order").await?;
        self.one(
            sql(
                "INSERT INTO jobs (id, kind, subject, lane, number, due_at, attempts, \
                 lease_until, created_at) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7)",
            )
            .bind(id.to_string())
            .bind(kind.as_str())
            .bind(subject)
            .bind(lane)
            .bind(number)
            .bind(now.as_millisecond())
            .bind(now.as_millisecond()),
        )
        .await
    }

    /// Whether a job of that kind waits that nobody has started.
    pub async fn job_waits(&mut self, kind: JobKind) -> Result<bool, StoreError> {
        let row = self
            .optional(
                sql("SELECT id FROM jobs WHERE kind = $1 AND lease IS NULL LIMIT 1")
                    .bind(kind.as_str()),
            )
            .await?;
        Ok(row.is_some())
    }

    /// Makes jobs of that kind due that were given back for later without having failed.
    pub async fn hasten_jobs(&mut self, kind: JobKind, now: Timestamp) -> Result<(), StoreError> {
        self.many(
            sql("UPDATE jobs SET due_at = $1 \
                 WHERE kind = $2 AND lease IS NULL AND attempts = 0 AND due_at > $1")
            .bind(now.as_millisecond())
            .bind(kind.as_str()),
        )
        .await?;
        Ok(())
    }

    /// Whether a job of that kind is queued or running.
    pub async fn job_exists(&mut self, kind: JobKind) -> Result<bool, StoreError> {
        let found = sql("SELECT id FROM jobs WHERE kind = $1 LIMIT 1").bind(kind.as_str());
        Ok(self.optional(found).await?.is_some())
    }

    /// Whether a job of that kind on that subject has failed at least once and is still to be done.
    pub async fn job_retries(&mut self, kind: JobKind, subject: Id) -> Result<bool, StoreError> {
        let row = self
            .optional(
                sql("SELECT id FROM jobs WHERE kind = $1 AND subject = $2 \
                     AND (attempts > 1 OR (attempts = 1 AND lease IS NULL)) LIMIT 1")
                .bind(kind.as_str())
                .bind(subject.to_string()),
            )
            .await?;
        Ok(row.is_some())
    }

    /// The job of one of `kinds` that is leased next: the oldest that is due and first in its lane.
    pub async fn due_job(
        &mut self,
        kinds: Kinds,
        now: Timestamp,
    ) -> Result<Option<Due>, StoreError> {
        let found = self
            .optional(
                sql(
                    "SELECT id, kind, subject, attempts, cancelled_at FROM jobs j \
                     WHERE kind IN ($1, $2, $3) \
                     AND due_at <= $4 AND lease_until <= $4 AND NOT EXISTS \
                     (SELECT 1 FROM jobs e WHERE e.lane = j.lane AND e.number < j.number) \
                     ORDER BY due_at, number LIMIT 1",
                )
                .bind(kinds[0].as_str())
                .bind(kinds[1].as_str())
                .bind(kinds[2].as_str())
                .bind(now.as_millisecond()),
            )
            .await?;
        found.as_ref().map(read).transpose()
    }

    /// Leases a job until `until`, for the instance `owner`; none if it is no longer to be had.
    pub async fn take_job(
        &mut self,
        due: &Due,
        lease: Id,
        owner: Id,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Job>, StoreError> {
        let taken = self
            .many(
                sql(
                    "UPDATE jobs SET lease = $1, lease_owner = $2, lease_until = $3, \
                     started_at = $4, progress = 0, progress_at = NULL, attempts = $5 \
                     WHERE id = $6 AND due_at <= $4 AND lease_until <= $4 AND attempts = $7",
                )
                .bind(lease.to_string())
                .bind(owner.to_string())
                .bind(until.as_millisecond())
                .bind(now.as_millisecond())
                .bind(int(due.attempts + 1))
                .bind(due.id.to_string())
                .bind(int(due.attempts)),
            )
            .await?;
        Ok((taken == 1).then(|| Job {
            id: due.id,
            kind: due.kind,
            subject: due.subject.clone(),
            attempts: due.attempts + 1,
            lease,
            cancelled: due.cancelled,
        }))
    }

    /// Leases the next due job of one of `kinds` until `until`, for the instance `owner`.
    pub async fn lease_job(
        &mut self,
        kinds: Kinds,
        lease: Id,
        owner: Id,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Job>, StoreError> {
        match self.due_job(kinds, now).await? {
            Some(due) => self.take_job(&due, lease, owner, now, until).await,
            None => Ok(None),
        }
    }

    /// Extends a lease.
    pub async fn renew_job(&mut self, job: &Job, until: Timestamp) -> Result<Renewed, StoreError> {
        let held = self
            .many(
                sql("UPDATE jobs SET lease_until = $1 WHERE id = $2 AND lease = $3")
                    .bind(until.as_millisecond())
                    .bind(job.id.to_string())
                    .bind(job.lease.to_string()),
            )
            .await?;
        match held {
            0 => Ok(Renewed::Lost),
            _ if self.job_cancelled(job).await? => Ok(Renewed::Cancelled),
            _ => Ok(Renewed::Held),
        }
    }

    /// Fails unless the lease is held and the job not cancelled: call it first in every transaction of
    /// a job.
    pub async fn hold_job(&mut self, job: &Job) -> Result<(), StoreError> {
        self.one(
            sql("UPDATE jobs SET attempts = attempts \
                 WHERE id = $1 AND lease = $2 AND cancelled_at IS NULL")
            .bind(job.id.to_string())
            .bind(job.lease.to_string()),
        )
        .await
    }

    /// Ends a job: its result is in the same transaction. Fails unless the lease is held and the job
    /// not cancelled.
    pub async fn end_job(&mut self, job: &Job) -> Result<(), StoreError> {
        self.one(
            sql("DELETE FROM jobs WHERE id = $1 AND lease = $2 AND cancelled_at IS NULL")
                .bind(job.id.to_string())
                .bind(job.lease.to_string()),
        )
        .await
    }

    /// Gives a job back, due at `due`; `counted` says whether this lease counts as an attempt.
    pub async fn return_job(
        &mut self,
        job: &Job,
        due: Timestamp,
        counted: bool,
    ) -> Result<(), StoreError> {
        self.one(
            sql(
                "UPDATE jobs SET lease = NULL, lease_owner = NULL, lease_until = 0, \
                 started_at = NULL, due_at = $1, attempts = attempts - $2 WHERE id = $3 AND lease = $4",
            )
            .bind(due.as_millisecond())
            .bind(i64::from(!counted))
            .bind(job.id.to_string())
            .bind(job.lease.to_string()),
        )
        .await
    }

    /// Frees what an earlier life of this instance had leased; how many jobs that were.
    pub async fn reclaim_jobs(&mut self, owner: Id) -> Result<u64, StoreError> {
        self.many(
            sql(
                "UPDATE jobs SET lease = NULL, lease_owner = NULL, lease_until = 0, \
                 started_at = NULL WHERE lease_owner = $1",
            )
            .bind(owner.to_string()),
        )
        .await
    }
}

fn read(row: &Row) -> Result<Due, StoreError> {
    Ok(Due {
        id: row.id("id")?,
        kind: JobKind::parse(&row.text("kind")?).ok_or(row.corrupt("kind"))?,
        subject: row.text("subject")?,
        cancelled: row.time_or_null("cancelled_at")?.is_some(),
        attempts: row.count("attempts")?,
    })
}
