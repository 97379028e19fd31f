//! One loop: lease, carry out with a heartbeat beside it, give back what did not end.

use std::time::Duration;

use jiff::Timestamp;

use super::admission::Door;
use super::{Settings, metrics};
use crate::service::Service;
use crate::service::work::memory::Reservation;
use crate::service::work::{Cancel, Held, JobError, Outbound};
use crate::store::jobs::{Job, JobKind, Kinds, Renewed};
use crate::store::transact;

/// How often progress is shown.
const PROGRESS: Duration = Duration::from_secs(1);

/// Longest pause between two attempts of a job.
const LONGEST_PAUSE: u64 = 300;

/// One loop over some kinds of jobs.
pub(super) struct Line {
    pub service: Service,
    pub outbound: Outbound,
    pub settings: Settings,
    pub cancel: Cancel,
    pub kinds: Kinds,
    /// Where jobs that need memory are admitted; none: these need none.
    pub door: Option<Door>,
}

impl Line {
    pub(super) async fn run(self) {
        while !self.cancel.is_cancelled() {
            let queued = self.service.queued();
            match self.next().await {
                Ok(Some((job, memory))) => self.carry_out(job, memory).await,
                Ok(None) => {
                    tokio::select! {
                        () = queued => {}
                        () = tokio::time::sleep(self.settings.poll) => {}
                        () = self.cancel.cancelled() => {}
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "no job can be leased");
                    tokio::select! {
                        () = tokio::time::sleep(self.settings.poll) => {}
                        () = self.cancel.cancelled() => {}
                    }
                }
            }
        }
    }

    async fn carry_out(&self, job: Job, memory: Option<Reservation>) {
        let held = self.service.begin(job, memory);
        let heart = tokio::spawn(heartbeat(
            self.service.clone(),
            held.clone(),
            self.settings.clone(),
            self.cancel.clone(),
        ));
        let running = {
            let (service, outbound, held) =
                (self.service.clone(), self.outbound.clone(), held.clone());
            tokio::spawn(async move { service.run(&held, &outbound).await })
        };
        let result = match running.await {
            Ok(result) => result,
            Err(error) => Err(JobError::Failed(error.to_string())),
        };
        heart.abort();
        // With it goes the last hold on the job's memory but this one.
        let _ = heart.await;
        self.service.let_go(&held);
        let job = held.job.clone();
        drop(held);
        let cleared = match &result {
            Ok(()) => job.cancelled,
            // If that fails, the next lease clears it.
            Err(_) => self.service.clear(&job).await.unwrap_or(false),
        };
        metrics::ended(job.kind, cleared, &result);
        match result {
            Err(error) if !cleared => self.give_back(&job, error).await,
            _ => {}
        }
    }

    async fn give_back(&self, job: &Job, error: JobError) {
        let now = self.service.now();
        let counted = !matches!(error, JobError::Cancelled);
        if counted {
            tracing::error!(kind = job.kind.as_str(), job = %job.id, %error, "a job failed");
        }
        let endless = matches!(
            job.kind,
            JobKind::Publish | JobKind::Erase | JobKind::Expire
        );
        let given = if counted && !endless && job.attempts >= self.settings.attempts {
            self.service.give_up(job).await
        } else {
            let due = if counted {
                after(now, pause(job.attempts))
            } else {
                now
            };
            transact!(self.service.store(), "job-return", |tx| {
                Ok(tx.return_job(job, due, counted).await?)
            })
        };
        match given {
            // Whoever holds the lease now sees to it.
            Ok(()) | Err(JobError::Overtaken) => {}
            Err(error) => tracing::error!(%error, "a job cannot be given back: its lease will end"),
        }
    }
}

/// Renews the lease until aborted, and shows how far the job is, at most once a second; asks the job to
/// stop when the lease is lost, the job is cancelled or the worker stops.
async fn heartbeat(service: Service, held: Held, settings: Settings, stop: Cancel) {
    let first = tokio::time::Instant::now() + settings.heartbeat;
    let mut beat = tokio::time::interval_at(first, settings.heartbeat);
    let mut shown = 0;
    loop {
        let pause = tokio::time::sleep(PROGRESS);
        let due = tokio::select! {
            _ = beat.tick() => true,
            () = pause => false,
            () = stop.cancelled(), if !held.cancel.is_cancelled() => {
                held.cancel.cancel();
                true
            }
        };
        let progress = held.progress.thousandths();
        if !due && progress == shown {
            continue;
        }
        let until = after(service.now(), settings.lease);
        match service.keep(&held, until, shown).await {
            Ok(Renewed::Held) => shown = progress,
            Ok(Renewed::Cancelled | Renewed::Lost) => held.cancel.cancel(),
            // The database may come back before the lease ends.
            Err(error) => tracing::warn!(%error, "a lease cannot be renewed"),
        }
    }
}

/// 1, 2, 4 … seconds, at most [`LONGEST_PAUSE`].
fn pause(attempts: u64) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1).min(20)).unwrap_or(20);
    Duration::from_secs((1_u64 << doublings).min(LONGEST_PAUSE))
}

pub(super) fn after(now: Timestamp, span: Duration) -> Timestamp {
    now.checked_add(span).unwrap_or(Timestamp::MAX)
}
