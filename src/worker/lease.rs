//! One loop: lease, carry out with a heartbeat beside it, give back what did not end.

use std::time::Duration;

use jiff::Timestamp;

use super::{Settings, metrics};
use crate::domain::id::Id;
use crate::service::Service;
use crate::service::work::{Cancel, Held, JobError, Outbound};
use crate::store::jobs::{Job, JobKind, Kinds};
use crate::store::transact;

/// Longest pause between two attempts of a job.
const LONGEST_PAUSE: u64 = 300;

/// One loop over some kinds of jobs.
pub(super) struct Line {
    pub service: Service,
    pub outbound: Outbound,
    pub settings: Settings,
    pub cancel: Cancel,
    pub kinds: Kinds,
}

impl Line {
    pub(super) async fn run(self) {
        while !self.cancel.is_cancelled() {
            let queued = self.service.queued();
            match self.lease().await {
                Ok(Some(job)) => self.carry_out(job).await,
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

    async fn lease(&self) -> Result<Option<Job>, JobError> {
        let now = self.service.now();
        let until = after(now, self.settings.lease);
        let owner = self.service.instance();
        transact!(self.service.store(), "job-lease", |tx| {
            let lease = Id::random(self.service.entropy());
            Ok(tx.lease_job(self.kinds, lease, owner, now, until).await?)
        })
    }

    async fn carry_out(&self, job: Job) {
        let held = Held {
            job,
            cancel: Cancel::default(),
        };
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
        metrics::ended(held.job.kind, &result);
        if let Err(error) = result {
            self.give_back(&held.job, error).await;
        }
    }

    async fn give_back(&self, job: &Job, error: JobError) {
        let now = self.service.now();
        let counted = !matches!(error, JobError::Cancelled);
        if counted {
            tracing::error!(kind = job.kind.as_str(), job = %job.id, %error, "a job failed");
        }
        let endless = matches!(job.kind, JobKind::Publish | JobKind::Expire);
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

/// Renews the lease until aborted; asks the job to stop when the lease is lost or the worker stops.
async fn heartbeat(service: Service, held: Held, settings: Settings, stop: Cancel) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(settings.heartbeat) => {}
            () = stop.cancelled(), if !held.cancel.is_cancelled() => held.cancel.cancel(),
        }
        let until = after(service.now(), settings.lease);
        let renewed: Result<bool, JobError> = transact!(service.store(), "job-renew", |tx| {
            Ok(tx.renew_job(&held.job, until).await?)
        });
        match renewed {
            Ok(true) => {}
            Ok(false) => held.cancel.cancel(),
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

fn after(now: Timestamp, span: Duration) -> Timestamp {
    now.checked_add(span).unwrap_or(Timestamp::MAX)
}
