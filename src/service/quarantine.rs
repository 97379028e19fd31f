//! Quarantine: uploads whose match rate is abnormal. Their audiences are decided and answered like all
//! others; nothing is delivered before the operator has looked.
//!
//! What each party learns: nothing. A delivery that waits for the operator looks like one that waits for
//! its turn.

use super::{Service, ServiceError};
use crate::domain::id::Id;
use crate::domain::state::{self, Step};
use crate::store::deliveries::Delivery;
use crate::store::jobs::JobKind;
use crate::store::quarantines::Quarantine;
use crate::store::{Tx, snapshot, transact};

impl Service {
    /// Uploads that the operator has not looked at, oldest first, at most 1,000.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn quarantines(&self) -> Result<Vec<Quarantine>, ServiceError> {
        snapshot!(self.store(), "quarantines", |tx| {
            Ok::<_, ServiceError>(tx.quarantines().await?)
        })
    }

    /// Lets an upload go on: what was decided on it is delivered, unless its audience has moved on
    /// meanwhile. Returns how many deliveries were queued.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] unless it is in quarantine.
    pub async fn clear_quarantine(&self, upload: Id) -> Result<usize, ServiceError> {
        let now = self.now();
        let queued = transact!(self.store(), "quarantine-clear", |tx| {
            if tx.in_quarantine(upload).await? != Some(true) {
                return Err(ServiceError::NotFound);
            }
            tx.clear_quarantine(upload, now).await?;
            self.record_act(tx, now, "quarantine-cleared", &upload.to_string())
                .await?;
            let mut queued = 0;
            for id in tx.deliveries_without_job(upload).await? {
                let delivery = tx.delivery(id).await?.ok_or(ServiceError::NotFound)?;
                if !is_current(tx, &delivery).await? {
                    let step = Step::new(delivery.state, state::Delivery::Failed)
                        .map_err(|error| ServiceError::internal("held delivery", error))?;
                    tx.step_delivery(id, step, None).await?;
                    continue;
                }
                let lane = format!("deliver/{}/{}", delivery.audience, delivery.destination);
                self.queue(tx, JobKind::Deliver, &id.to_string(), &lane, now)
                    .await?;
                queued += 1;
            }
            Ok(queued)
        })?;
        self.wake();
        Ok(queued)
    }
}

/// Whether a delivery is of the newest decision that its audience may be at there.
async fn is_current(tx: &mut Tx, delivery: &Delivery) -> Result<bool, ServiceError> {
    let audience = tx.audience(delivery.audience).await?;
    let audience = audience.ok_or(ServiceError::NotFound)?;
    let mut newest = tx.released_decisions(audience.collaboration).await?;
    newest.retain(|one| one.audience == audience.id && one.destination == delivery.destination);
    Ok(newest.iter().all(|one| one.id == delivery.decision))
}
