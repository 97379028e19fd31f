//! Admission: the next job in the queue is leased when the memory that it may need is reserved.
//!
//! ```text
//! door → next due job → its need → reservation (waits) → lease → door opens → carried out
//! ```
//! One loop at a time stands in the door, so jobs get memory in the order of the queue; one that waits
//! for it is still in the queue, and can be cancelled or be leased by another instance meanwhile.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::lease::{Line, after};
use crate::domain::id::Id;
use crate::service::work::JobError;
use crate::service::work::memory::Reservation;
use crate::store::jobs::{Due, Job};
use crate::store::{snapshot, transact};

/// The door of one group of loops.
#[derive(Clone, Default)]
pub(super) struct Door(Arc<Mutex<()>>);

impl Line {
    /// The next job, leased, with its memory if it needs any; none if none is due or the worker stops.
    pub(super) async fn next(&self) -> Result<Option<(Job, Option<Reservation>)>, JobError> {
        let Some(door) = &self.door else {
            return match self.due().await? {
                Some(due) => Ok(self.take(&due).await?.map(|job| (job, None))),
                None => Ok(None),
            };
        };
        let Some(_turn) = self.unless_stopped(door.0.lock()).await else {
            return Ok(None);
        };
        loop {
            let Some(due) = self.due().await? else {
                return Ok(None);
            };
            let need = self.service.need(&due).await;
            let reserving = self.service.memory().reserve(need);
            let Some(memory) = self.unless_stopped(reserving).await else {
                return Ok(None);
            };
            if let Some(job) = self.take(&due).await? {
                return Ok(Some((job, Some(memory))));
            }
            // Cancelled, or leased elsewhere, while it waited.
        }
    }

    /// What is waited for; none if the worker stops first.
    async fn unless_stopped<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            () = self.cancel.cancelled() => None,
            value = waiting => Some(value),
        }
    }

    async fn due(&self) -> Result<Option<Due>, JobError> {
        let now = self.service.now();
        snapshot!(self.service.store(), "job-due", |tx| {
            Ok(tx.due_job(self.kinds, now).await?)
        })
    }

    async fn take(&self, due: &Due) -> Result<Option<Job>, JobError> {
        let now = self.service.now();
        let until = after(now, self.settings.lease);
        let owner = self.service.instance();
        transact!(self.service.store(), "job-lease", |tx| {
            let lease = Id::random(self.service.entropy());
            Ok(tx.take_job(due, lease, owner, now, until).await?)
        })
    }
}
