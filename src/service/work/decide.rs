//! Deciding audiences: everything that waits in a collaboration on one pair of uploads, in one pass.
//!
//! Decision, leaf and queued delivery commit together. A question that was answered before keeps its
//! answer; the lookup is in the transaction, so that of two that decide the same question at the same
//! time one takes the other's answer, and the noise it drew itself is never seen.

use std::collections::HashMap;

use tamis_protocols::release;
use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::DeliveryReason;

use super::judge::{Ask, Pinned};
use super::memory::Sizes;
use super::open::Pair;
use super::{Held, JobError};
use crate::domain::id::Id;
use crate::domain::state::{self, Step};
use crate::service::Service;
use crate::service::record::OPERATOR;
use crate::store::audiences::Decision;
use crate::store::{Tx, snapshot, transact};

/// What the gate says to each question.
type Answers = HashMap<String, release::Decision>;

struct Waiting {
    decisions: Vec<Decision>,
    /// None if nothing waits.
    pinned: Option<Pinned>,
    policy: release::Policy,
    in_force: bool,
}

impl Service {
    pub(super) async fn run_decide(&self, held: &Held) -> Result<(), JobError> {
        let collaboration = held.subject()?;
        loop {
            held.check()?;
            let waiting = self.waiting(held, collaboration).await?;
            let Some(pinned) = waiting.pinned else {
                return self.end(held, "decide-end").await;
            };
            if !waiting.in_force {
                return self.give_up(&held.job).await;
            }
            let asks: Vec<Ask> = waiting
                .decisions
                .iter()
                .map(|decision| Ask {
                    expression: decision.expression.clone(),
                    destination: Some(decision.destination.clone()),
                })
                .collect();
            let judged = self.judge(held, pinned, asks).await?;
            let policy = waiting.policy;
            let mut answers = Answers::new();
            for (decision, persons) in waiting.decisions.iter().zip(judged.members()) {
                answers
                    .entry(decision.question.clone())
                    .or_insert_with(|| policy.count(&persons.cardinality(), &*self.0.parts.noise));
            }
            transact!(self.store(), "decide", |tx| {
                tx.hold_job(&held.job).await?;
                let withdrawals = tx.withdrawal_count(collaboration).await?;
                if withdrawals == judged.withdrawals() {
                    for decision in &waiting.decisions {
                        self.decided(tx, collaboration, decision, &answers, &policy)
                            .await?;
                    }
                }
                // Otherwise somebody withdrew meanwhile: judge again.
                Ok::<_, JobError>(())
            })?;
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
            let mut pinned = None;
            if let Some(first) = decisions.first().cloned() {
                decisions.retain(|decision| {
                    decision.advertiser_upload == first.advertiser_upload
                        && decision.partner_upload == first.partner_upload
                });
                let pair = (first.advertiser_upload, first.partner_upload);
                let sizes = Sizes::read(tx, collaboration, pair).await?;
                decisions.truncate(sizes.questions_within(granted));
                pinned = Some(Pinned {
                    collaboration,
                    sets: Pair::read(tx, pair).await?,
                    not_before: first.as_of,
                });
            }
            Ok(Waiting {
                decisions,
                pinned,
                policy: self.effective_policy(tx, &found).await?,
                in_force: found.in_force(today),
            })
        })
    }

    async fn decided(
        &self,
        tx: &mut Tx,
        collaboration: Id,
        decision: &Decision,
        answers: &Answers,
        policy: &release::Policy,
    ) -> Result<(), JobError> {
        let (to, about) = match tx.earlier_answer(&decision.question).await? {
            Some(earlier) => earlier,
            None => match answers.get(&decision.question) {
                Some(answer) if answer.is_released() => (state::Decision::Released, answer.about()),
                Some(_) => (state::Decision::BelowMinimum, None),
                None => return Err(JobError::failed("gate", "a question without an answer")),
            },
        };
        let released = to == state::Decision::Released;
        let now = self.now();
        let event = Event::GateDecision {
            collaboration: collaboration.to_string(),
            audience: decision.audience.to_string(),
            destination: decision.destination.clone(),
            decision_id: decision.id.to_string(),
            released,
            about,
        };
        let leaf = self.record(tx, now, OPERATOR, event, Some(policy)).await?;
        let step = Step::new(decision.state, to)?;
        tx.finish_decision(decision.id, step, about, Some(leaf))
            .await?;
        if released {
            self.queue_delivery(tx, decision, DeliveryReason::Release, None, now)
                .await?;
        }
        Ok(())
    }
}

/// Marks what waits in a collaboration as failed; nothing is released.
pub(super) async fn give_up(tx: &mut Tx, collaboration: Id) -> Result<(), JobError> {
    for decision in tx.deciding(collaboration).await? {
        let step = Step::new(decision.state, state::Decision::Failed)?;
        tx.finish_decision(decision.id, step, None, None).await?;
    }
    Ok(())
}
