//! Delivering: one attempt to bring a destination to an audience's state.
//!
//! ```text
//! queued → sending → [plan → batch → acknowledged → batch → …] → delivered
//!             └── failure that may pass: queued again, due later
//! ```
//! The difference is to everything that the destination was or may have been told: the file of the
//! last completed delivery, and those of plans that were sent in part. Acknowledgements are kept batch
//! by batch, so a killed worker goes on at the first batch that is not acknowledged, with the same id
//! and the same bytes. The receipt's leaf and the new told-state commit together.
//!
//! It begins only when enough witnesses vouch for a log with the gate's decision in it, if the operator
//! requires any; until then it waits, and says so.
//!
//! What the destination learns: its own cookies, joining and leaving an audience. The log: a digest.

use std::time::Duration;

use tamis_protocols::transparency::Event;

use super::plan::Order;
use super::send::Sent;
use super::{Held, JobError, Outbound};
use crate::domain::id::Id;
use crate::domain::state::{self, State, Step};
use crate::service::Service;
use crate::service::files::remove;
use crate::store::members::MemberFile;
use crate::store::{Tx, snapshot, transact};

/// When a delivery that waits for witnesses is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Service {
    pub(super) async fn run_deliver(
        &self,
        held: &Held,
        outbound: &Outbound,
    ) -> Result<(), JobError> {
        let id = held.subject()?;
        if !self.begin_delivery(held, id).await? {
            return Ok(());
        }
        match self.attempt(held, id, outbound).await {
            Err(JobError::Cancelled) => {
                self.suspend(held, id).await?;
                Err(JobError::Cancelled)
            }
            result => result,
        }
    }

    /// Marks the delivery as being sent; false if it is over already, or waits for witnesses.
    async fn begin_delivery(&self, held: &Held, id: Id) -> Result<bool, JobError> {
        let again = self.after(self.now(), LOOK_AGAIN);
        transact!(self.store(), "delivery-begin", |tx| {
            tx.hold_job(&held.job).await?;
            let found = tx.delivery(id).await?;
            let found = found.ok_or_else(|| JobError::gone("the delivery"))?;
            if found.state.next().is_empty() {
                tx.end_job(&held.job).await?;
                return Ok(false);
            }
            if !self.is_vouched_for(tx, found.decision).await? {
                tx.return_job(&held.job, again, false).await?;
                self.let_ahead(tx, held).await?;
                return Ok(false);
            }
            if found.state == state::Delivery::Queued {
                let step = Step::new(found.state, state::Delivery::Sending)?;
                tx.step_delivery(id, step, None).await?;
            }
            tx.count_attempt(id, 1).await?;
            Ok::<_, JobError>(true)
        })
    }

    /// What waits behind a delivery that waits for witnesses and need not, goes first: taking people back waits
    /// for nobody.
    async fn let_ahead(&self, tx: &mut Tx, held: &Held) -> Result<(), JobError> {
        for (job, subject) in tx.jobs_behind(&held.job).await? {
            let delivery = match Id::parse(&subject) {
                Some(id) => tx.delivery(id).await?,
                None => None,
            };
            if let Some(delivery) = delivery
                && self.is_vouched_for(tx, delivery.decision).await?
            {
                tx.put_job_ahead(job, &held.job).await?;
                self.wake();
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether enough witnesses vouch for a log with this decision in it.
    async fn is_vouched_for(&self, tx: &mut Tx, decision: Id) -> Result<bool, JobError> {
        let vouched = self.vouched_leaves(tx).await?;
        let decision = tx.decision(decision).await?;
        let decision = decision.ok_or_else(|| JobError::gone("the decision"))?;
        Ok(vouched == u64::MAX || decision.leaf.is_some_and(|leaf| leaf < vouched))
    }

    async fn attempt(&self, held: &Held, id: Id, outbound: &Outbound) -> Result<(), JobError> {
        loop {
            held.check()?;
            let order = snapshot!(self.store(), "delivery-order", |tx| {
                self.order(tx, id).await
            })?;
            let order = order.ok_or_else(|| JobError::gone("the delivery"))?;
            let plan = self.plan(held, &order).await?;
            match self.send(held, &order, &plan, outbound).await? {
                Sent::All { digest } => {
                    return self.delivered(held, &order, &plan, digest).await;
                }
                // The day or the withdrawals have moved: judge anew.
                Sent::Stale => {}
                Sent::Later { asked } => {
                    return self.later(held, &order, asked, outbound).await;
                }
                Sent::Refused => return self.failed(held, id).await,
            }
        }
    }

    /// Receipt, told-state and the end of the job, in one transaction. Also when nothing had changed:
    /// both parties see whether there is a receipt, and would learn whether somebody's consent had
    /// ended at the other side.
    async fn delivered(
        &self,
        held: &Held,
        order: &Order,
        plan: &MemberFile,
        digest: [u8; 32],
    ) -> Result<(), JobError> {
        let now = self.now();
        let id = order.delivery.id;
        let old = transact!(self.store(), "delivery-receipt", |tx| {
            tx.end_job(&held.job).await?;
            let old = tx.told(plan.audience, &plan.destination).await?;
            tx.forget_others(plan.audience, &plan.destination, plan.id)
                .await?;
            let file = tx.member_file(plan.id).await?;
            let file = file.ok_or_else(|| JobError::gone("the plan"))?;
            let step = Step::new(file.state, state::MemberFile::Told)?;
            tx.step_member_file(plan.id, step).await?;
            let leaf = self.receipt(tx, order, plan, digest, now).await?;
            let step = Step::new(state::Delivery::Sending, state::Delivery::Delivered)?;
            tx.finish_delivery(id, step, Some(leaf), now).await?;
            Ok::<_, JobError>(old)
        })?;
        self.wake();
        for file in old.into_iter().filter(|file| file.id != plan.id) {
            // What is left over after a failure here is removed at the next start.
            let _ = remove(&self.files().members(file.id));
        }
        Ok(())
    }

    async fn receipt(
        &self,
        tx: &mut Tx,
        order: &Order,
        plan: &MemberFile,
        digest: [u8; 32],
        now: jiff::Timestamp,
    ) -> Result<u64, JobError> {
        let event = Event::Delivery {
            decision_id: order.decision.id.to_string(),
            // The id that the destination saw.
            delivery: plan.id.to_string(),
            audience: order.audience.id.to_string(),
            destination: plan.destination.clone(),
            digest: hex::encode(digest),
        };
        Ok(self.record(tx, now, &plan.destination, event, None).await?)
    }

    /// Queued again, due after the backoff; failed when attempts are used up.
    async fn later(
        &self,
        held: &Held,
        order: &Order,
        asked: Option<Duration>,
        outbound: &Outbound,
    ) -> Result<(), JobError> {
        let id = order.delivery.id;
        let now = self.now();
        let failures = transact!(self.store(), "delivery-failure", |tx| {
            tx.hold_job(&held.job).await?;
            tx.count_failure(id).await?;
            let found = tx.delivery(id).await?;
            Ok::<_, JobError>(found.map_or(0, |found| found.failures))
        })?;
        let failures = u32::try_from(failures).unwrap_or(u32::MAX);
        let Some(wait) = outbound.backoff.wait(failures, asked, self.entropy()) else {
            return self.failed(held, id).await;
        };
        let due = self.after(now, wait);
        transact!(self.store(), "delivery-later", |tx| {
            tx.return_job(&held.job, due, true).await?;
            let step = Step::new(state::Delivery::Sending, state::Delivery::Queued)?;
            Ok(tx.step_delivery(id, step, Some(due)).await?)
        })
    }

    async fn failed(&self, held: &Held, id: Id) -> Result<(), JobError> {
        transact!(self.store(), "delivery-failed", |tx| {
            tx.end_job(&held.job).await?;
            let step = Step::new(state::Delivery::Sending, state::Delivery::Failed)?;
            tx.step_delivery(id, step, None).await?;
            Ok::<_, JobError>(())
        })?;
        tracing::error!(delivery = %id, "a delivery failed for good: the operator must look");
        Ok(())
    }

    /// Stopped at shutdown: as if this attempt had not begun; what is acknowledged stays so.
    async fn suspend(&self, held: &Held, id: Id) -> Result<(), JobError> {
        transact!(self.store(), "delivery-suspend", |tx| {
            tx.hold_job(&held.job).await?;
            tx.count_attempt(id, -1).await?;
            let step = Step::new(state::Delivery::Sending, state::Delivery::Queued)?;
            Ok(tx.step_delivery(id, step, None).await?)
        })
    }
}
