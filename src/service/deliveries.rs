//! Deliveries as the two parties of a collaboration see them, and how one is queued.

use jiff::Timestamp;
use tamis_protocols::wire::api::{DeliveryReason, DeliveryState, DeliveryView, WaitingFor};

use super::{Caller, Service, ServiceError, scope};
use crate::domain::id::Id;
use crate::domain::state;
use crate::store::decisions::Decision;
use crate::store::deliveries::Delivery;
use crate::store::jobs::JobKind;
use crate::store::{Tx, snapshot};

impl Service {
    /// Deliveries of one of the caller's collaborations, newest first, at most 1,000.
    pub async fn deliveries(
        &self,
        caller: &Caller,
        collaboration: &str,
    ) -> Result<Vec<DeliveryView>, ServiceError> {
        let collaboration = scope::id(collaboration)?;
        snapshot!(self.store(), "deliveries", |tx| {
            scope::collaboration(tx, caller, collaboration).await?;
            let names: std::collections::HashMap<Id, String> = tx
                .audiences(collaboration)
                .await?
                .into_iter()
                .map(|audience| (audience.id, audience.name))
                .collect();
            let found = tx.deliveries(collaboration).await?;
            let mut views = Vec::with_capacity(found.len());
            let vouched = self.vouched_leaves(tx).await?;
            for delivery in found {
                let name = names.get(&delivery.audience).cloned().unwrap_or_default();
                let waiting_for = waiting_for(tx, &delivery, vouched).await?;
                views.push(view(delivery, name, waiting_for));
            }
            Ok(views)
        })
    }

    /// A delivery of one of the caller's collaborations.
    pub async fn delivery(&self, caller: &Caller, id: &str) -> Result<DeliveryView, ServiceError> {
        let id = scope::id(id)?;
        snapshot!(self.store(), "delivery", |tx| {
            let found = tx.delivery(id).await?.ok_or(ServiceError::NotFound)?;
            let audience = tx.audience(found.audience).await?;
            let audience = audience.ok_or(ServiceError::NotFound)?;
            scope::collaboration(tx, caller, audience.collaboration).await?;
            let vouched = self.vouched_leaves(tx).await?;
            let waiting_for = waiting_for(tx, &found, vouched).await?;
            Ok(view(found, audience.name, waiting_for))
        })
    }

    /// Queues the delivery of a released decision. Deliveries of one audience to one destination run
    /// one at a time, in the order of queueing.
    pub(super) async fn queue_delivery(
        &self,
        tx: &mut Tx,
        decision: &Decision,
        reason: DeliveryReason,
        withdrawal: Option<Id>,
        now: Timestamp,
    ) -> Result<(), ServiceError> {
        let new = Delivery {
            id: self.id(),
            audience: decision.audience,
            destination: decision.destination.clone(),
            decision: decision.id,
            reason,
            withdrawal,
            state: state::Delivery::Queued,
            attempts: 0,
            failures: 0,
            plan: None,
            acknowledged: 0,
            digest: String::new(),
            created_at: now,
            next_attempt_at: None,
            delivered_at: None,
            leaf: None,
        };
        tx.add_delivery(&new).await?;
        if decision.held {
            // Nothing moves before the operator has looked.
            return Ok(());
        }
        let lane = format!("deliver/{}/{}", new.audience, new.destination);
        self.queue(tx, JobKind::Deliver, &new.id.to_string(), &lane, now)
            .await
    }
}

/// Whether a delivery that has not begun waits for more witnesses, which `vouched` leaves have.
async fn waiting_for(
    tx: &mut Tx,
    delivery: &Delivery,
    vouched: u64,
) -> Result<Option<WaitingFor>, ServiceError> {
    if vouched == u64::MAX || delivery.state != state::Delivery::Queued {
        return Ok(None);
    }
    let decision = tx.decision(delivery.decision).await?;
    let leaf = decision.and_then(|decision| decision.leaf);
    let waits = leaf.is_none_or(|leaf| leaf >= vouched);
    Ok(waits.then_some(WaitingFor::Witnesses))
}

fn view(found: Delivery, audience: String, waiting_for: Option<WaitingFor>) -> DeliveryView {
    DeliveryView {
        id: found.id.to_string(),
        audience,
        destination: found.destination,
        reason: found.reason,
        state: delivery_state(found.state),
        attempts: u32::try_from(found.attempts).unwrap_or(u32::MAX),
        created_at: found.created_at.to_string(),
        delivered_at: found.delivered_at.map(|at| at.to_string()),
        next_attempt_at: found.next_attempt_at.map(|at| at.to_string()),
        waiting_for,
        log_index: found.leaf,
    }
}

pub(super) fn delivery_state(state: state::Delivery) -> DeliveryState {
    match state {
        state::Delivery::Queued => DeliveryState::Queued,
        state::Delivery::Sending => DeliveryState::Sending,
        state::Delivery::Delivered => DeliveryState::Delivered,
        state::Delivery::Failed => DeliveryState::Failed,
    }
}
