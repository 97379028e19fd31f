//! A match: everyone of both uploads, through the gate.

use tamis_protocols::release::Policy;
use tamis_protocols::transparency::Event;

use super::judge::{Ask, Pinned};
use super::open::Pair;
use super::{Held, JobError};
use crate::domain::state::{self, Step};
use crate::service::Service;
use crate::service::record::OPERATOR;
use crate::store::matches::Match;
use crate::store::{snapshot, transact};

impl Service {
    pub(super) async fn run_match(&self, held: &Held) -> Result<(), JobError> {
        let id = held.subject()?;
        loop {
            held.check()?;
            let (found, sets, policy, in_force) = self.to_match(held).await?;
            if found.state != state::Match::Pending {
                return self.end(held, "match-again").await;
            }
            if !in_force {
                return self.give_up(&held.job).await;
            }
            let pinned = Pinned {
                collaboration: found.collaboration,
                sets,
                not_before: self.today(),
            };
            let everyone = Ask {
                expression: "all".to_owned(),
                destination: None,
            };
            let judged = self.judge(held, pinned, vec![everyone]).await?;
            let [persons] = judged.members().as_slice() else {
                return Err(JobError::failed("matching", "not one answer"));
            };
            let decision = policy.count(&persons.cardinality(), &*self.0.parts.noise);
            let now = self.now();
            let current = transact!(self.store(), "match-finish", |tx| {
                let withdrawals = tx.withdrawal_count(found.collaboration).await?;
                if withdrawals != judged.withdrawals() {
                    return Ok::<_, JobError>(false);
                }
                tx.end_job(&held.job).await?;
                let event = Event::MatchDecision {
                    collaboration: found.collaboration.to_string(),
                    match_id: id.to_string(),
                    released: decision.is_released(),
                    about: decision.about(),
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
            // Somebody withdrew meanwhile: what was drawn is thrown away unseen.
        }
    }

    async fn to_match(&self, held: &Held) -> Result<(Match, Pair, Policy, bool), JobError> {
        let id = held.subject()?;
        let today = self.today();
        snapshot!(self.store(), "match", |tx| {
            let found = tx.match_(id).await?;
            let found = found.ok_or_else(|| JobError::gone("the match"))?;
            let collaboration = tx.collaboration(found.collaboration).await?;
            let collaboration = collaboration.ok_or_else(|| JobError::gone("the collaboration"))?;
            let sets = Pair::read(tx, (found.advertiser_upload, found.partner_upload)).await?;
            let policy = self.effective_policy(tx, &collaboration).await?;
            Ok((found, sets, policy, collaboration.in_force(today)))
        })
    }
}
