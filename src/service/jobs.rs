//! Jobs as whoever asked for them sees them: listed, looked at, cancelled.
//!
//! A sealing is its uploader's, matches and decisions are the advertiser's; another's are not there, not
//! even for the other side of the collaboration. What a view reveals beyond one's own bytes is coarse:
//! whole percent of a match, and an estimate made of that and of the time passed.

use jiff::Timestamp;
use tamis_protocols::wire::api::{JobKind as Kind, JobStage, JobView};

use super::work::JobError;
use super::work::cancel::abandon;
use super::{Caller, Service, ServiceError, scope};
use crate::domain::id::Id;
use crate::store::jobs::{JobKind, OwnedJob};
use crate::store::{Tx, snapshot, transact};

/// Before so much is done, in thousandths, nothing is estimated.
const TELLING: u64 = 20;

impl Service {
    /// The caller's jobs, newest first, at most 1,000.
    pub async fn jobs(&self, caller: &Caller) -> Result<Vec<JobView>, ServiceError> {
        let now = self.now();
        snapshot!(self.store(), "jobs", |tx| {
            let mut jobs = tx.jobs_of(&caller.name, now).await?;
            jobs.iter_mut().for_each(|job| self.newest(job, now));
            let waiting = match jobs.is_empty() {
                true => Vec::new(),
                false => tx.waiting_jobs(now).await?,
            };
            let views = jobs.iter().filter_map(|job| view(job, &waiting, now));
            Ok::<_, ServiceError>(views.collect())
        })
    }

    /// One of the caller's jobs.
    pub async fn job(&self, caller: &Caller, id: &str) -> Result<JobView, ServiceError> {
        let id = scope::id(id)?;
        let now = self.now();
        snapshot!(self.store(), "job", |tx| {
            let found = tx.job_of(&caller.name, id, now).await?;
            let shown = self.shown(tx, found, now).await?;
            shown.ok_or(ServiceError::NotFound)
        })
    }

    /// Cancels one of the caller's jobs. What it was for ends at once: the upload is terminated, the
    /// match fails, and so does everything in the collaboration that waits for a decision. A job that
    /// waited is gone; one that runs is returned, stopping. Cancelling it again changes nothing.
    pub async fn cancel_job(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<Option<JobView>, ServiceError> {
        let id = scope::id(id)?;
        let now = self.now();
        let (found, stopping, left) = transact!(self.store(), "job-cancel", |tx| {
            let found = tx.job_of(&caller.name, id, now).await?;
            let found = found.ok_or(ServiceError::NotFound)?;
            let mut stopping = Vec::new();
            if !found.cancelled {
                stopping = tx.cancel_jobs(found.kind, found.subject, now).await?;
                abandon(tx, found.kind, found.subject)
                    .await
                    .map_err(not_abandoned)?;
            }
            let left = tx.job_of(&caller.name, id, now).await?;
            Ok::<_, ServiceError>((found, stopping, self.shown(tx, left, now).await?))
        })?;
        for job in stopping {
            self.0.running.stop(job);
        }
        if left.is_none() && found.kind == JobKind::Seal {
            self.remove_upload(found.subject).await?;
        }
        self.wake();
        Ok(left)
    }

    /// The caller's job on a subject, if there is one.
    pub(super) async fn job_on(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        kind: JobKind,
        subject: Id,
        now: Timestamp,
    ) -> Result<Option<JobView>, ServiceError> {
        let found = tx.job_on(&caller.name, kind, subject, now).await?;
        self.shown(tx, found, now).await
    }

    async fn shown(
        &self,
        tx: &mut Tx,
        found: Option<OwnedJob>,
        now: Timestamp,
    ) -> Result<Option<JobView>, ServiceError> {
        let Some(mut job) = found else {
            return Ok(None);
        };
        self.newest(&mut job, now);
        let waiting = match job.started_at {
            Some(_) => Vec::new(),
            None => tx.waiting_jobs(now).await?,
        };
        Ok(view(&job, &waiting, now))
    }

    /// Of a job that runs here more is known than its row says.
    fn newest(&self, job: &mut OwnedJob, now: Timestamp) {
        let here = self.0.running.progress(job.id);
        if let Some(progress) = here.filter(|progress| *progress > job.progress) {
            job.progress = progress;
            job.progress_at = Some(now);
        }
    }
}

fn view(job: &OwnedJob, waiting: &[Id], now: Timestamp) -> Option<JobView> {
    let kind = match job.kind {
        JobKind::Seal => Kind::Seal,
        JobKind::Match => Kind::Match,
        JobKind::Decide => Kind::Decide,
        JobKind::Deliver
        | JobKind::Publish
        | JobKind::Compact
        | JobKind::Erase
        | JobKind::Expire => return None,
    };
    let state = match job.started_at {
        _ if job.cancelled => JobStage::Stopping,
        Some(_) => JobStage::Running,
        None => JobStage::Queued,
    };
    let place = waiting.iter().position(|id| *id == job.id);
    let progress = match (state, kind) {
        (JobStage::Queued, _) => 0,
        (_, Kind::Seal) => job.progress,
        (_, Kind::Match | Kind::Decide) => job.progress / 10 * 10,
    };
    Some(JobView {
        id: job.id.to_string(),
        kind,
        subject: job.subject.to_string(),
        state,
        position: (place.filter(|_| state == JobStage::Queued)).map(|place| place as u64 + 1),
        progress: progress as f64 / 1000.0,
        started_at: job.started_at.map(|at| at.to_string()),
        estimated_seconds_left: match (state, job.started_at, job.progress_at) {
            (JobStage::Running, Some(start), Some(at)) => estimate(progress, start, at, now),
            _ => None,
        },
        attempts: job.attempts,
    })
}

/// Seconds left if the rest goes as what was done until `at`; none once that has passed.
fn estimate(progress: u64, start: Timestamp, at: Timestamp, now: Timestamp) -> Option<u64> {
    if !(TELLING..1000).contains(&progress) {
        return None;
    }
    let span = |from: Timestamp, to: Timestamp| {
        let passed = to.as_millisecond().saturating_sub(from.as_millisecond());
        u64::try_from(passed).ok()
    };
    let whole = span(start, at)?.checked_mul(1000)? / progress;
    let left = whole.checked_sub(span(start, now)?)?;
    (left > 0).then(|| left.div_ceil(1000))
}

fn not_abandoned(error: JobError) -> ServiceError {
    ServiceError::internal("a job cannot be cancelled", error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn an_estimate_goes_on_as_before_and_falls_silent_when_it_was_wrong() {
        assert_eq!(estimate(0, at(0), at(0), at(9)), None);
        assert_eq!(estimate(10, at(0), at(1), at(1)), None, "too early");
        assert_eq!(estimate(250, at(0), at(10), at(10)), Some(30));
        assert_eq!(estimate(250, at(0), at(10), at(25)), Some(15));
        assert_eq!(estimate(250, at(0), at(10), at(40)), None);
        assert_eq!(estimate(1000, at(0), at(10), at(10)), None);
        assert_eq!(estimate(250, at(10), at(0), at(10)), None, "clocks differ");
    }

    fn job(kind: JobKind, progress: u64) -> OwnedJob {
        OwnedJob {
            id: Id::parse(&"0a".repeat(16)).unwrap(),
            kind,
            subject: Id::parse(&"0b".repeat(16)).unwrap(),
            attempts: 1,
            started_at: Some(at(0)),
            progress,
            progress_at: Some(at(10)),
            cancelled: false,
        }
    }

    #[test]
    fn a_match_is_shown_in_whole_percent_and_so_is_its_estimate() {
        let exact = view(&job(JobKind::Seal, 257), &[], at(10)).unwrap();
        assert_eq!(exact.progress, 0.257);
        for kind in [JobKind::Match, JobKind::Decide] {
            let fine = view(&job(kind, 257), &[], at(10)).unwrap();
            let coarse = view(&job(kind, 250), &[], at(10)).unwrap();
            assert_eq!(fine, coarse);
            assert_eq!(fine.progress, 0.25);
        }
    }

    #[test]
    fn nobody_sees_a_delivery_or_the_housekeeping() {
        for kind in [
            JobKind::Deliver,
            JobKind::Publish,
            JobKind::Compact,
            JobKind::Erase,
            JobKind::Expire,
        ] {
            assert!(view(&job(kind, 0), &[], at(10)).is_none());
        }
    }
}
