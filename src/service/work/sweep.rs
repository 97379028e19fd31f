//! Keeping house: after a start, and from time to time.

use tamis_protocols::wire::api::DeliveryReason;

use super::{Held, JobError};
use crate::domain::id::Id;
use crate::domain::state;
use crate::service::files::{Kind, remove};
use crate::service::{Service, ServiceError, append::blocking};
use crate::store::decisions::Decision;
use crate::store::jobs::JobKind;
use crate::store::{Tx, snapshot, transact};

impl Service {
    /// After a start, before anything is leased: takes back what an earlier life had leased, removes
    /// files that no row knows, and sees to it that there is a checkpoint.
    ///
    /// Files are listed before the rows are read, so that one whose row is being written is kept.
    /// Withdrawals are written before their rows, and never removed.
    pub async fn recover(&self) -> Result<(), JobError> {
        let now = self.now();
        let instance = self.instance();
        let checkpoint = self.checkpoint().await;
        let service = self.clone();
        let found = blocking(move || {
            let list = |kind| {
                let failed = |error| ServiceError::internal("data directory", error);
                service.files().list(kind).map_err(failed)
            };
            Ok([
                list(Kind::Spools)?,
                list(Kind::Sets)?,
                list(Kind::Compacted)?,
                list(Kind::Members)?,
                list(Kind::Emissions)?,
                list(Kind::Consent)?,
            ])
        })
        .await?;
        let known = transact!(self.store(), "recover", |tx| {
            tx.reclaim_jobs(instance).await?;
            let (leaves, published) = tx.log_sizes().await?;
            let vouched = self.vouched_leaves(tx).await?;
            let behind = leaves > published || checkpoint.is_err() || leaves > vouched;
            if behind && !tx.job_waits(JobKind::Publish).await? {
                self.queue(tx, JobKind::Publish, "log", "log", now).await?;
            }
            let spools = [state::Upload::Receiving, state::Upload::Sealing];
            let sets = [state::Upload::Sealing, state::Upload::Sealed];
            Ok::<_, JobError>([
                tx.upload_ids(spools).await?,
                tx.upload_ids(sets).await?,
                tx.compacted_ids().await?,
                tx.member_file_ids().await?,
                tx.emission_file_ids().await?,
                tx.ledger_ids().await?,
            ])
        })?;
        let removed = blocking(move || {
            for (files, known) in found.into_iter().zip(&known) {
                for (path, id) in files {
                    if id.is_none_or(|id| !known.contains(&id)) {
                        remove(&path)
                            .map_err(|error| ServiceError::internal("data directory", error))?;
                    }
                }
            }
            Ok(())
        });
        removed.await?;
        self.clear_ledgers().await
    }

    /// Queues a sweep, unless one waits.
    pub async fn queue_sweep(&self) -> Result<(), JobError> {
        let now = self.now();
        transact!(self.store(), "sweep-queue", |tx| {
            if !tx.job_waits(JobKind::Expire).await? {
                self.queue(tx, JobKind::Expire, "sweep", "sweep", now)
                    .await?;
            }
            Ok::<_, JobError>(())
        })?;
        self.wake();
        Ok(())
    }

    pub(super) async fn run_sweep(&self, held: &Held) -> Result<(), JobError> {
        self.watch_log().await?;
        self.end_expired_uploads().await?;
        self.judge_stale_audiences().await?;
        self.forget_outdated_records().await?;
        self.end(held, "sweep-end").await?;
        self.wake();
        Ok(())
    }

    /// Incomplete uploads past their last moment end. One that is being appended to is left for later.
    async fn end_expired_uploads(&self) -> Result<(), JobError> {
        let now = self.now();
        let expired = snapshot!(self.store(), "sweep-uploads", |tx| {
            Ok::<_, JobError>(tx.expired_uploads(now).await?)
        })?;
        for id in expired {
            match self.end_upload(id).await {
                Ok(()) | Err(ServiceError::Conflict { .. } | ServiceError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What a destination was told on an earlier day is judged again: consent ages out, agreements end,
    /// and a delivery that failed half-way is made good.
    async fn judge_stale_audiences(&self) -> Result<(), JobError> {
        let today = self.today();
        let now = self.now();
        transact!(self.store(), "sweep-audiences", |tx| {
            for (collaboration, audience, destination) in tx.stale_audiences(today).await? {
                let released = newest(tx, collaboration, audience, &destination).await?;
                let Some(decision) = released else {
                    continue;
                };
                let last = tx.newest_delivery(audience, &destination).await?;
                let reason = match last {
                    Some(last) if last.state == state::Delivery::Failed => last.reason,
                    _ => DeliveryReason::Expiry,
                };
                self.queue_delivery(tx, &decision, reason, None, now)
                    .await?;
            }
            Ok::<_, JobError>(())
        })
    }
}

async fn newest(
    tx: &mut Tx,
    collaboration: Id,
    audience: Id,
    destination: &str,
) -> Result<Option<Decision>, JobError> {
    let released = tx.released_decisions(collaboration).await?;
    Ok(released
        .into_iter()
        .find(|decision| decision.audience == audience && decision.destination == destination))
}
