//! What takes long: jobs, queued by the use cases and carried out here, one kind per file.
//!
//! The worker leases a job and calls [`Service::run`]. A job may be killed at any point and run again,
//! perhaps while its first run is still going somewhere: so every transaction in here first makes sure
//! that the lease is held, and a job's row goes in the transaction of its result.

mod admit;
pub(super) mod cancel;
pub mod compact;
pub(super) mod cosign;
mod courier;
mod cover;
mod decide;
mod deliver;
mod destroy;
pub(super) mod erase;
mod gate;
mod history;
pub(super) mod judge;
mod match_;
pub mod memory;
pub(super) mod open;
mod plan;
pub mod progress;
pub(super) mod publish;
mod seal;
mod send;
mod sweep;

use std::sync::Arc;

pub use cancel::Cancel;
pub use cosign::Witnesses;
pub use courier::{Courier, Route};

use super::{Service, ServiceError};
use memory::Reservation;
use progress::Progress;

use crate::delivery::backoff::Backoff;
use crate::domain::id::Id;
use crate::domain::state::{self, Forbidden, State, Step};
use crate::store::StoreError;
use crate::store::jobs::{Job, JobKind};
use crate::store::transact;

/// A leased job and the request to stop it.
#[derive(Clone)]
pub struct Held {
    /// The job.
    pub job: Job,
    /// Raised at shutdown, when the lease is lost and when its owner cancels it.
    pub cancel: Cancel,
    /// How far it is.
    pub progress: Progress,
    /// What it may use; none: what one job gets at most. Computations hold a clone while they run.
    pub memory: Option<Arc<Reservation>>,
}

/// How deliveries reach their destinations, and the log its witnesses.
#[derive(Clone)]
pub struct Outbound {
    /// Sends.
    pub courier: Arc<dyn Courier>,
    /// How long it keeps trying.
    pub backoff: Backoff,
    /// Asks witnesses of the log.
    pub witnesses: Arc<dyn Witnesses>,
}

/// Why a job did not end.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It was asked to stop.
    #[error("stopped")]
    Cancelled,
    /// Somebody else holds the lease, or a row is no longer as expected.
    #[error("overtaken")]
    Overtaken,
    /// It failed, and may be tried again.
    #[error("{0}")]
    Failed(String),
}

impl JobError {
    fn failed(what: &'static str, error: impl std::fmt::Display) -> JobError {
        JobError::Failed(format!("{what}: {error}"))
    }

    fn gone(what: &'static str) -> JobError {
        JobError::Failed(format!("{what} is gone"))
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotOneRow { .. } => JobError::Overtaken,
            error => JobError::Failed(error.to_string()),
        }
    }
}

impl From<ServiceError> for JobError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Conflict {
                code: "changed_meanwhile",
                ..
            } => JobError::Overtaken,
            error => JobError::Failed(error.to_string()),
        }
    }
}

impl From<Forbidden> for JobError {
    fn from(error: Forbidden) -> Self {
        JobError::Failed(error.to_string())
    }
}

impl Service {
    /// Carries out a job. `Ok` means that its row is gone, or was given back with a due time.
    pub async fn run(&self, held: &Held, outbound: &Outbound) -> Result<(), JobError> {
        if held.job.cancelled {
            self.clear(&held.job).await?;
            return Ok(());
        }
        match held.job.kind {
            JobKind::Seal => self.run_seal(held).await,
            JobKind::Match => self.run_match(held).await,
            JobKind::Decide => self.run_decide(held).await,
            // Until log and database agree nothing leaves.
            JobKind::Deliver if !self.log_is_complete() => {
                Err(JobError::failed("log", "it is not complete"))
            }
            JobKind::Deliver => self.run_deliver(held, outbound).await,
            JobKind::Publish => self.run_publish(held, outbound).await,
            JobKind::Compact => self.run_compact(held).await,
            JobKind::Erase => self.run_erase(held).await,
            JobKind::Expire => self.run_sweep(held).await,
        }
    }

    /// Ends a job that failed too often: what it was for is marked as failed, nothing is released. Log,
    /// erasure and sweep are never given up.
    pub async fn give_up(&self, job: &Job) -> Result<(), JobError> {
        let subject = Id::parse(&job.subject);
        transact!(self.store(), "job-give-up", |tx| {
            match (job.kind, subject) {
                (JobKind::Seal, Some(id)) => seal::give_up(tx, id).await?,
                (JobKind::Match, Some(id)) => {
                    let step = Step::new(state::Match::Pending, state::Match::Failed)?;
                    tx.finish_match(id, step, None, None).await?;
                }
                (JobKind::Decide, Some(id)) => decide::give_up(tx, id).await?,
                (JobKind::Deliver, Some(id)) => {
                    if let Some(found) = tx.delivery(id).await?
                        && !found.state.next().is_empty()
                    {
                        let step = Step::new(found.state, state::Delivery::Failed)?;
                        tx.step_delivery(id, step, None).await?;
                    }
                }
                // Nothing is lost: the next delta asks for it again.
                (JobKind::Compact, _) => {}
                _ => return Err(JobError::failed("give up", "not for this kind")),
            }
            Ok(tx.end_job(job).await?)
        })
    }
}

impl Held {
    fn subject(&self) -> Result<Id, JobError> {
        Id::parse(&self.job.subject).ok_or_else(|| JobError::gone("the subject"))
    }

    fn check(&self) -> Result<(), JobError> {
        match self.cancel.is_cancelled() {
            true => Err(JobError::Cancelled),
            false => Ok(()),
        }
    }
}
