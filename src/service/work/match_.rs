//! A match: everyone of both uploads, through the gate.

use std::sync::Arc;

use tamis_protocols::release::Policy;
use tamis_protocols::transparency::Event;

use super::judge::{Ask, Pinned};
use super::open::Pair;
use super::{Held, JobError};
use crate::domain::state::{self, Step};
use crate::service::Service;
use crate::service::record::OPERATOR;
use crate::store::collaborations::Collaboration;
use crate::store::matches::Match;
use crate::store::{snapshot, transact};

impl Service {
    pub(super) async fn run_match(&self, held: &Held) -> Result<(), JobError> {
        let id = held.subject()?;
        loop {
            held.check()?;
            let (found, collaboration, pair, policy) = self.to_match(held).await?;
            if found.state != state::Match::Pending {
                return self.end(held, "match-again").await;
            }
            if !collaboration.in_force(self.today()) {
                return self.give_up(&held.job).await;
            }
            let pinned = Pinned {
                collaboration: found.collaboration,
                sets: pair.clone(),
                not_before: self.today(),
            };
            let judged = self.judge(held, pinned, vec![Ask::everyone()]).await?;
            let [persons] = judged.members().as_slice() else {
                return Err(JobError::failed("matching", "not one answer"));
            };
            let persons = match policy.tenure_days() {
                0 => Arc::clone(persons),
                days => {
                    let present = &pair.partner;
                    let tenured = self.tenured(held, collaboration.id, present, days).await?;
                    Arc::new(persons.within(&tenured))
                }
            };
            let decision = policy.count(&persons.cardinality(), &*self.0.parts.noise);
            let now = self.now();
            let current = transact!(self.store(), "match-finish", |tx| {
                let withdrawals = tx.withdrawal_count(found.collaboration).await?;
                let tightest = self.effective_policy(tx, &collaboration).await?;
                if withdrawals != judged.withdrawals() || tightest != policy {
                    return Ok::<_, JobError>(false);
                }
                tx.end_job(&held.job).await?;
                let charge = policy.count_charge();
                let paid = self.charge(tx, &collaboration, &policy, (id, charge), now);
                if paid.await?.is_err() {
                    // What was drawn is never seen.
                    let step = Step::new(state::Match::Pending, state::Match::Failed)?;
                    tx.finish_match(id, step, None, None).await?;
                    return Ok(true);
                }
                let event = Event::MatchDecision {
                    collaboration: found.collaboration.to_string(),
                    match_id: id.to_string(),
                    released: decision.is_released(),
                    about: decision.about(),
                    charge,
                };
                let leaf = self.record(tx, now, OPERATOR, event, Some(&policy)).await?;
                let step = Step::new(state::Match::Pending, state::Match::Done)?;
                tx.finish_match(id, step, decision.about(), Some(leaf))
                    .await?;
                Ok(true)
            })?;
            if current {
                self.wake();
                return Ok(());
            }
            // Somebody withdrew or tightened meanwhile: what was drawn is thrown away unseen.
        }
    }

    async fn to_match(
        &self,
        held: &Held,
    ) -> Result<(Match, Collaboration, Pair, Policy), JobError> {
        let id = held.subject()?;
        snapshot!(self.store(), "match", |tx| {
            let found = tx.match_(id).await?;
            let found = found.ok_or_else(|| JobError::gone("the match"))?;
            let collaboration = tx.collaboration(found.collaboration).await?;
            let collaboration = collaboration.ok_or_else(|| JobError::gone("the collaboration"))?;
            let sets = Pair::read(tx, (found.advertiser_upload, found.partner_upload)).await?;
            let policy = self.effective_policy(tx, &collaboration).await?;
            Ok((found, collaboration, sets, policy))
        })
    }
}
