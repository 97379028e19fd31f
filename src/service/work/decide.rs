//! Deciding audiences: everything that waits in a collaboration on one pair of uploads, in one pass.
//!
//! ```text
//! match, population → history → cells → gate, one question after the other → emissions on disk
//!   → one transaction: charge, decision, leaf, emission, queued delivery
//! ```
//! Decision, charge, leaf and queued delivery commit together. A question that was answered before keeps
//! its answer, at no charge; noise that was drawn for it meanwhile is never seen. Passes of one pair of
//! parties run one after the other, so each sees everything that the ones before emitted.

use std::collections::HashMap;

use jiff::Timestamp;
use tamis_protocols::release::Policy;
use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::DeliveryReason;

use super::gate::{Ground, Verdict, Verdicts};
use super::judge::{Ask, Pinned};
use super::memory::Sizes;
use super::open::Pair;
use super::{Held, JobError};
use crate::domain::id::Id;
use crate::domain::state::{self, Step};
use crate::service::files::remove;
use crate::service::record::OPERATOR;
use crate::service::uploads::set_size;
use crate::service::{Service, asking};
use crate::store::collaborations::Collaboration;
use crate::store::decisions::{Answer, Decision};
use crate::store::emissions::{Emission, Place};
use crate::store::{Tx, snapshot, transact};

/// What waits, and what it is decided on.
pub(super) struct Waiting {
    pub decisions: Vec<Decision>,
    /// None if nothing waits.
    pub pinned: Option<Pinned>,
    pub collaboration: Collaboration,
    pub policy: Policy,
    in_force: bool,
    /// Rows that take part, and the partner's persons: to tell what is abnormal.
    pub rows: u64,
    pub persons: u64,
}

impl Service {
    pub(super) async fn run_decide(&self, held: &Held) -> Result<(), JobError> {
        let collaboration = held.subject()?;
        loop {
            held.check()?;
            let waiting = self.waiting(held, collaboration).await?;
            let Some(pinned) = waiting.pinned.clone() else {
                return self.end(held, "decide-end").await;
            };
            if !waiting.in_force {
                return self.give_up(&held.job).await;
            }
            let asks = asks(&waiting.decisions);
            let judged = self.judge(held, pinned.clone(), asks.clone()).await?;
            let ground = Ground {
                waiting,
                sets: pinned.sets,
                persons: asks.into_iter().zip(judged.members().clone()).collect(),
            };
            let verdicts = self.gate(held, &ground).await?;
            let done = transact!(self.store(), "decide", |tx| {
                tx.hold_job(&held.job).await?;
                let withdrawals = tx.withdrawal_count(collaboration).await?;
                let policy = self
                    .effective_policy(tx, &ground.waiting.collaboration)
                    .await?;
                // Otherwise somebody withdrew or tightened meanwhile: judge again.
                let current =
                    withdrawals == judged.withdrawals() && policy == ground.waiting.policy;
                if current {
                    self.decided(tx, &ground.waiting, &verdicts).await?;
                }
                Ok::<_, JobError>(current)
            });
            if !matches!(done, Ok(true)) {
                // Written, and never to be known. After a commit that was reported failed nothing is lost:
                // the next start removes what no row knows.
                if matches!(done, Ok(false)) {
                    self.forget(&verdicts);
                }
                done?;
            }
            self.wake();
        }
    }

    /// The oldest undecided decisions of a collaboration that share their uploads, as many as can be
    /// judged at once in the memory granted.
    async fn waiting(&self, held: &Held, collaboration: Id) -> Result<Waiting, JobError> {
        let today = self.today();
        let granted = self.granted(held);
        snapshot!(self.store(), "decide-waiting", |tx| {
            let found = tx.collaboration(collaboration).await?;
            let found = found.ok_or_else(|| JobError::gone("the collaboration"))?;
            let mut decisions = tx.deciding(collaboration).await?;
            let (mut pinned, mut rows, mut persons) = (None, 0, 0);
            if let Some(first) = decisions.first().cloned() {
                decisions.retain(|decision| {
                    decision.advertiser_upload == first.advertiser_upload
                        && decision.partner_upload == first.partner_upload
                });
                let pair = (first.advertiser_upload, first.partner_upload);
                let sizes = Sizes::read(tx, collaboration, pair).await?.deciding();
                decisions.truncate(sizes.questions_within(granted));
                pinned = Some(Pinned {
                    collaboration,
                    sets: Pair::read(tx, pair).await?,
                    not_before: first.as_of,
                });
                let sizes = (tx.upload(pair.0).await?, tx.upload(pair.1).await?);
                rows = sizes.0.map_or(0, |upload| set_size(&upload).accepted);
                persons = sizes.1.map_or(0, |upload| set_size(&upload).persons);
            }
            Ok(Waiting {
                decisions,
                pinned,
                policy: self.effective_policy(tx, &found).await?,
                in_force: found.in_force(today),
                collaboration: found,
                rows,
                persons,
            })
        })
    }

    /// Writes what the gate said.
    async fn decided(
        &self,
        tx: &mut Tx,
        waiting: &Waiting,
        verdicts: &Verdicts,
    ) -> Result<(), JobError> {
        // A charge and its leaf have one time: an auditor recomputes the budget from the leaves.
        let now = self.now();
        for decision in &waiting.decisions {
            let (answer, charge) = match tx.earlier_answer(&decision.question).await? {
                Some(earlier) => (earlier, 0),
                None => {
                    let verdict = verdicts.of(&decision.question);
                    let verdict = verdict
                        .ok_or_else(|| JobError::failed("gate", "a question without an answer"))?;
                    match self.pay(tx, waiting, (decision, now), verdict).await? {
                        Some(paid) => paid,
                        None => {
                            // What was drawn is never seen.
                            let step = Step::new(decision.state, state::Decision::Failed)?;
                            tx.finish_decision(decision.id, step, None, None).await?;
                            continue;
                        }
                    }
                }
            };
            self.say(tx, waiting, (decision, now), &answer, charge)
                .await?;
        }
        Ok(())
    }

    /// Charges a new answer, and keeps what it emitted; none if the budget does not allow it.
    async fn pay(
        &self,
        tx: &mut Tx,
        waiting: &Waiting,
        (decision, now): (&Decision, Timestamp),
        verdict: &Verdict,
    ) -> Result<Option<(Answer, u32)>, JobError> {
        let (found, policy) = (&waiting.collaboration, &waiting.policy);
        let charge = asking::cost(policy, decision.holdout);
        let paid = self.charge(tx, found, policy, (decision.id, charge), now);
        if paid.await?.is_err() {
            tracing::error!(decision = %decision.id, "no budget is left for a decision that was let in");
            return Ok(None);
        }
        if verdict.abnormal {
            tx.add_quarantine(decision.advertiser_upload, now).await?;
        }
        let held = tx.in_quarantine(decision.advertiser_upload).await? == Some(true);
        let mut answer = Answer {
            state: state::Decision::BelowMinimum,
            about: verdict.about,
            control_about: verdict.control_about,
            emission: None,
            held,
        };
        if let Some(file) = &verdict.file {
            let emission = Emission {
                id: decision.id,
                collaboration: found.id,
                kept: verdict.kept,
            };
            tx.add_emission(&Place::of(found, &decision.destination), &emission, file)
                .await?;
            answer.state = state::Decision::Released;
            answer.emission = Some(decision.id);
        }
        Ok(Some((answer, charge)))
    }

    /// Leaf, state and queued delivery of one decision.
    async fn say(
        &self,
        tx: &mut Tx,
        waiting: &Waiting,
        (decision, now): (&Decision, Timestamp),
        answer: &Answer,
        charge: u32,
    ) -> Result<(), JobError> {
        let released = answer.state == state::Decision::Released;
        let event = Event::GateDecision {
            collaboration: waiting.collaboration.id.to_string(),
            audience: decision.audience.to_string(),
            destination: decision.destination.clone(),
            decision_id: decision.id.to_string(),
            released,
            about: answer.about,
            control: answer.control_about,
            charge,
        };
        let policy = Some(&waiting.policy);
        let leaf = self.record(tx, now, OPERATOR, event, policy).await?;
        let step = Step::new(decision.state, answer.state)?;
        tx.finish_decision(decision.id, step, Some(answer), Some(leaf))
            .await?;
        if released {
            tx.settle_emissions(decision.audience, &decision.destination, now)
                .await?;
            let reason = DeliveryReason::Release;
            let decision = Decision {
                held: answer.held,
                ..decision.clone()
            };
            self.queue_delivery(tx, &decision, reason, None, now)
                .await?;
        }
        Ok(())
    }

    /// Removes emissions that will never be known.
    fn forget(&self, verdicts: &Verdicts) {
        for file in verdicts.files() {
            let _ = remove(&self.files().emission(file.id));
        }
    }
}

/// Everything that has to be known: who each question reaches, everybody who can be reached at its
/// destination, and all who matched.
fn asks(decisions: &[Decision]) -> Vec<Ask> {
    let mut asks = vec![Ask::everyone()];
    for decision in decisions {
        let members = Ask::members(&decision.expression, &decision.destination);
        for ask in [Ask::population(&decision.destination), members] {
            if !asks.contains(&ask) {
                asks.push(ask);
            }
        }
    }
    asks
}

/// Marks what waits in a collaboration as failed; nothing is released.
pub(super) async fn give_up(tx: &mut Tx, collaboration: Id) -> Result<(), JobError> {
    for decision in tx.deciding(collaboration).await? {
        let step = Step::new(decision.state, state::Decision::Failed)?;
        tx.finish_decision(decision.id, step, None, None).await?;
    }
    Ok(())
}

/// Who each question reaches, and who is there.
pub(super) type Persons = HashMap<Ask, std::sync::Arc<tamis_protocols::intersection::PersonSet>>;
