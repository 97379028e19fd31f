//! Completeness: the log has as many leaves as the database, and they are the same.
//!
//! A leaf is written in the transaction of its event and published later. Nothing that was recorded may be
//! missing from what auditors read, and nothing else may be in it. The sweep compares, at every turn:
//! rows, the counter that gives out indices, the highest index, what counts as published, the size that is
//! signed, and the newest leaves byte for byte. On a difference it alarms: an error in the service's log, a
//! gauge, readiness; and nothing is delivered until it is found to agree again. [`super::check`] reads all of it.

use std::sync::atomic::{AtomicBool, Ordering};

use metrics::{describe_gauge, gauge};
use tamis_protocols::transparency::{
    CHECKPOINT, Opened, TileStore as _, bundle, check_inclusion, inclusion_proof, newest_bundle,
    open_checkpoint,
};

use super::append::blocking;
use super::work::publish::LogDir;
use super::{Service, ServiceError};
use crate::store::jobs::JobKind;
use crate::store::snapshot;

/// Gauge: 1 if log and database were last found to differ, else 0.
const DIFFERS: &str = "tamis_log_differs";

/// What differs between database and published log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// Rows, counter and highest index of the leaves are not the same number.
    #[error("the leaves in the database are not as many as were written")]
    Rows,
    /// More counts as published than there is.
    #[error("more leaves count as published than there are")]
    Published,
    /// The checkpoint is missing, or is not one of this log's key.
    #[error("the checkpoint is missing or not signed by this log's key")]
    Checkpoint,
    /// The signed size is not the one that counts as published.
    #[error("the signed checkpoint is not over as many leaves as count as published")]
    Size,
    /// The newest leaves in the database are not those in the files.
    #[error("the newest leaves in the database are not those that were published")]
    Leaves,
}

/// Whether log and database were found to differ; until the first comparison they were not.
#[derive(Default)]
pub(super) struct Completeness(AtomicBool);

/// What the database says of the log.
struct Stored {
    rows: u64,
    end: u64,
    leaves: u64,
    published: u64,
    publishing: bool,
}

impl Service {
    /// Whether log and database agreed when they were last compared.
    pub fn log_is_complete(&self) -> bool {
        !self.0.completeness.0.load(Ordering::Acquire)
    }

    /// Compares and alarms.
    pub(super) async fn watch_log(&self) -> Result<(), ServiceError> {
        describe_gauge!(
            DIFFERS,
            "1 if the published log and the database were last found to differ"
        );
        let difference = self.compare_log().await?;
        if let Some(difference) = difference {
            tracing::error!(%difference, "the log is not complete: nothing is delivered; run `tamis check`");
        } else if !self.log_is_complete() {
            tracing::warn!("log and database agree again");
        }
        gauge!(DIFFERS).set(if difference.is_some() { 1.0 } else { 0.0 });
        let differs = difference.is_some();
        self.0.completeness.0.store(differs, Ordering::Release);
        Ok(())
    }

    /// The first difference between the database and the published log.
    pub(super) async fn compare_log(&self) -> Result<Option<Difference>, ServiceError> {
        let (first, head) = self.both_sides().await?;
        // A publication may lie between the two readings: what differs is looked at once more.
        match self.differs(&first, head.as_ref()).await? {
            None => Ok(None),
            Some(_) => {
                let (again, head) = self.both_sides().await?;
                self.differs(&again, head.as_ref()).await
            }
        }
    }

    async fn both_sides(&self) -> Result<(Stored, Option<Opened>), ServiceError> {
        let stored = snapshot!(self.store(), "log-compare", |tx| {
            let (rows, end) = tx.leaf_rows().await?;
            let (leaves, published) = tx.log_sizes().await?;
            let publishing = tx.job_exists(JobKind::Publish).await?;
            Ok::<_, ServiceError>(Stored {
                rows,
                end,
                leaves,
                published,
                publishing,
            })
        })?;
        let (service, vkey) = (self.clone(), self.log_key());
        let head = blocking(move || {
            let bytes = LogDir(service.files().log()).read(CHECKPOINT);
            Ok(bytes.ok().flatten())
        });
        Ok((
            stored,
            head.await?.and_then(|bytes| open_checkpoint(&bytes, &vkey)),
        ))
    }

    async fn differs(
        &self,
        stored: &Stored,
        head: Option<&Opened>,
    ) -> Result<Option<Difference>, ServiceError> {
        if stored.rows != stored.leaves || stored.end != stored.leaves {
            return Ok(Some(Difference::Rows));
        }
        if stored.published > stored.leaves {
            return Ok(Some(Difference::Published));
        }
        let Some(head) = head else {
            // Before the first publication there is none.
            let first = stored.published == 0 && stored.publishing;
            return Ok((!first).then_some(Difference::Checkpoint));
        };
        let running = stored.publishing && (stored.published..=stored.leaves).contains(&head.size);
        if head.size != stored.published && !running {
            return Ok(Some(Difference::Size));
        }
        let same = self.newest_are_published(head.clone()).await?;
        Ok((!same).then_some(Difference::Leaves))
    }

    /// Whether the newest leaves of the checkpoint are in their file and under its root as they are in the
    /// database. Reads at most 256 leaves and a tile for each level.
    async fn newest_are_published(&self, head: Opened) -> Result<bool, ServiceError> {
        let Some((start, path)) = newest_bundle(head.size) else {
            return Ok(true);
        };
        let count = (head.size - start) as u32;
        let leaves = snapshot!(self.store(), "log-newest", |tx| {
            Ok::<_, ServiceError>(tx.leaves(start, count).await?)
        })?;
        let service = self.clone();
        blocking(move || {
            let log = LogDir(service.files().log());
            let leaves: Vec<Vec<u8>> = leaves.into_iter().map(String::into_bytes).collect();
            let published = log.read(&path).ok().flatten();
            let (Some(newest), true) = (leaves.last(), published == Some(bundle(&leaves))) else {
                return Ok(false);
            };
            let last = head.size - 1;
            let proof = inclusion_proof(&log, head.size, &head.root, last);
            Ok(proof
                .is_ok_and(|proof| check_inclusion(&proof, head.size, &head.root, last, newest)))
        })
        .await
    }
}
