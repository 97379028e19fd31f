//! Stopping jobs: at a shutdown, when a lease is lost, and because whoever asked for one cancels it.
//!
//! Cancelling commits at once what becomes of the subject, and marks the job if it runs: from then on it
//! can write nothing. It is also asked to stop, here at once, elsewhere by its next heartbeat; when it
//! has stopped, or after a kill whoever leases it next, removes what it left and the row with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::memory::Reservation;
use super::progress::Progress;
use super::{Held, JobError, decide};
use crate::domain::id::Id;
use crate::domain::state::{self, Step};
use crate::service::append::blocking;
use crate::service::files::remove;
use crate::service::{Service, ServiceError};
use crate::store::jobs::{Job, JobKind};
use crate::store::{Tx, snapshot, transact};

/// A request to stop, for both kinds of work: async code waits for it, computations look at it.
#[derive(Clone, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    token: CancellationToken,
}

impl Cancel {
    /// Asks to stop.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Release);
        self.token.cancel();
    }

    /// Whether stopping was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// Returns once stopping is asked for.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// For computations.
    pub fn flag(&self) -> &AtomicBool {
        &self.flag
    }
}

/// The jobs that run in this process, by lease.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<Id, Run>>);

/// One of them: how to stop it, and how far it is.
struct Run {
    job: Id,
    cancel: Cancel,
    progress: Progress,
}

impl Running {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<Id, Run>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks a job to stop, if it runs here.
    pub(crate) fn stop(&self, job: Id) {
        self.with(|running| {
            let these = running.values().filter(|run| run.job == job);
            these.for_each(|run| run.cancel.cancel());
        });
    }

    /// How far a job is, in thousandths, if it runs here: newer than what its row says.
    pub(crate) fn progress(&self, job: Id) -> Option<u64> {
        self.with(|running| {
            let these = running.values().filter(|run| run.job == job);
            these.map(|run| run.progress.thousandths()).max()
        })
    }
}

impl Service {
    /// A leased job that is about to be carried out here, with the memory reserved for it.
    pub fn begin(&self, job: Job, memory: Option<Reservation>) -> Held {
        let held = Held {
            job,
            cancel: Cancel::default(),
            progress: Progress::default(),
            memory: memory.map(Arc::new),
        };
        let run = Run {
            job: held.job.id,
            cancel: held.cancel.clone(),
            progress: held.progress.clone(),
        };
        let lease = held.job.lease;
        self.0.running.with(|running| running.insert(lease, run));
        held
    }

    /// It is no longer carried out here.
    pub fn let_go(&self, held: &Held) {
        let lease = held.job.lease;
        self.0.running.with(|running| running.remove(&lease));
    }

    /// Clears away a job that was cancelled and has stopped; whether it was cancelled.
    pub async fn clear(&self, job: &Job) -> Result<bool, JobError> {
        let subject = Id::parse(&job.subject);
        let (cancelled, ended) = snapshot!(self.store(), "job-cancelled", |tx| {
            let upload = match (job.kind, subject) {
                (JobKind::Seal, Some(id)) => tx.upload(id).await?,
                _ => None,
            };
            let ended = upload.filter(|upload| upload.state == state::Upload::Terminated);
            let cancelled = tx.job_cancelled(job).await?;
            Ok::<_, JobError>((cancelled, ended.map(|upload| upload.id)))
        })?;
        if !cancelled {
            return Ok(false);
        }
        if let Some(id) = ended {
            self.remove_upload(id).await?;
        }
        transact!(self.store(), "job-clear", |tx| {
            Ok::<_, JobError>(tx.clear_job(job).await?)
        })?;
        self.wake();
        Ok(true)
    }

    /// Removes whatever lies on the disk of an upload that has ended.
    pub(in crate::service) async fn remove_upload(&self, id: Id) -> Result<(), ServiceError> {
        let (spool, set) = (self.files().spool(id), self.files().set(id));
        let records = self.files().consent(id);
        blocking(move || {
            remove(&spool)
                .and_then(|()| remove(&set))
                .and_then(|()| remove(&records))
                .map_err(|error| ServiceError::internal("a cancelled upload", error))
        })
        .await
    }
}

/// Ends what a cancelled job was for: the upload is terminated, the match or what waits for a decision
/// fails. Nothing is released.
pub(in crate::service) async fn abandon(
    tx: &mut Tx,
    kind: JobKind,
    subject: Id,
) -> Result<(), JobError> {
    match kind {
        JobKind::Seal => {
            let step = Step::new(state::Upload::Sealing, state::Upload::Terminated)?;
            tx.step_upload(subject, step).await?;
            Ok(tx.drop_ledger(subject).await?)
        }
        JobKind::Match => {
            let step = Step::new(state::Match::Pending, state::Match::Failed)?;
            Ok(tx.finish_match(subject, step, None, None).await?)
        }
        JobKind::Decide => decide::give_up(tx, subject).await,
        JobKind::Deliver
        | JobKind::Publish
        | JobKind::Compact
        | JobKind::Erase
        | JobKind::Expire => Err(JobError::failed("cancel", "not for this kind")),
    }
}
