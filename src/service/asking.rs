//! Asking the gate: a question that has no answer yet must be affordable, and its destination must not
//! have forgotten what it knows.
//!
//! What is asked is decided by a job, at once or at the end of a window; what has its answer already is
//! only looked up there.

use tamis_protocols::release::Policy;

use super::{Service, ServiceError, windows};
use crate::domain::state;
use crate::store::Tx;
use crate::store::collaborations::Collaboration;
use crate::store::decisions::Decision;
use crate::store::emissions::Place;
use crate::store::jobs::JobKind;

impl Service {
    /// Adds the decision, unless the newest one at that destination asks the same; whether it was added.
    /// What has no answer yet must fit the budget.
    pub(super) async fn ask(
        &self,
        tx: &mut Tx,
        found: &Collaboration,
        policy: &Policy,
        new: Decision,
        now: jiff::Timestamp,
    ) -> Result<bool, ServiceError> {
        let known = tx.newest_decisions(new.audience).await?;
        let same = known.iter().any(|known| {
            known.destination == new.destination
                && known.question == new.question
                && known.purpose == new.purpose
                && known.state != state::Decision::Failed
        });
        if same {
            return Ok(false);
        }
        if !tx.is_asked(&new.question).await? {
            let place = Place::of(found, &new.destination);
            let days = policy.look_back_days();
            if let Some(other) = self.unbridged(tx, &place, found.id, days).await? {
                return Err(ServiceError::conflict(
                    "bridge_needed",
                    format!(
                        "Audiences of the earlier collaboration {other} still count at {}: the partner \
                         uploads its graph once with `--bridge {other}`.",
                        new.destination
                    ),
                ));
            }
            self.afford(tx, found, policy, cost(policy, new.holdout))
                .await?;
        }
        tx.add_decision(&new, now).await?;
        Ok(true)
    }

    /// Queues the decision of what waits: at once, or for the next window. Those of one pair of parties
    /// are taken one after the other.
    pub(super) async fn queue_decision(
        &self,
        tx: &mut Tx,
        found: &Collaboration,
        policy: &Policy,
        now: jiff::Timestamp,
    ) -> Result<(), ServiceError> {
        let lane = format!("decide/{}/{}", found.advertiser, found.partner);
        let due = windows::next(now, policy.window_minutes());
        self.queue(tx, JobKind::Decide, &found.id.to_string(), &lane, due)
            .await
    }
}

/// What deciding an audience at one destination costs, thousandths of ε.
pub(super) fn cost(policy: &Policy, holdout: u8) -> u32 {
    // A control group is a second audience.
    policy.audience_charge() * if holdout > 0 { 2 } else { 1 }
}
