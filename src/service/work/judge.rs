//! Judging members: consent as of today, suppression as of now, on pinned uploads.
//!
//! [`Permitted`] comes from here only. Several questions about the same uploads are one pass over the
//! sets; what was found is kept in memory for as long as neither the day nor the count of withdrawals
//! moves, because then judging again would find the same. Persons are numbers, and a compaction numbers
//! them anew: who uses an answer opens the very layers that it was asked of.
//!
//! Memory: one evaluation at a time; suppressed tokens at 16 bytes each; at most [`KEPT`] sets of
//! persons, each at most one bit a person.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use tamis_protocols::intersection::{Expression, PersonSet};
use tokio::sync::Semaphore;

use super::open::{Form, Pair};
use super::{Held, JobError};
use crate::domain::id::Id;
use crate::domain::permitted::{Judgement, Permitted, Suppression};
use crate::matching::{MatchPlan, Question};
use crate::service::Service;
use crate::service::append::blocking;
use crate::sets::{self, SealedSet};
use crate::store::collaborations::Collaboration;
use crate::store::snapshot;
use crate::store::withdrawals::Withdrawal;

/// Sets of persons kept.
const KEPT: usize = 64;

/// Most questions of one pass.
pub(super) const QUESTIONS: usize = 32;

/// What was found lately, and the right to evaluate.
pub(crate) struct Judged {
    found: Mutex<VecDeque<(Key, Arc<PersonSet>)>>,
    evaluating: Semaphore,
    /// Member files written at a time: two, of 64 MiB each.
    pub(super) writing: Semaphore,
}

impl Default for Judged {
    fn default() -> Self {
        Judged {
            found: Mutex::default(),
            evaluating: Semaphore::new(1),
            writing: Semaphore::new(2),
        }
    }
}

#[derive(Clone, PartialEq, Eq)]
struct Key {
    sets: [Form; 2],
    withdrawals: u64,
    as_of: Date,
    ask: Ask,
}

/// One question about a pair of uploads.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Ask {
    /// Canonical; none: everybody at the destination, matched or not.
    pub expression: Option<String>,
    /// Only persons with a live cookie there; none: all.
    pub destination: Option<String>,
}

impl Ask {
    /// Whoever satisfies an expression and can be reached at a destination.
    pub(super) fn members(expression: &str, destination: &str) -> Ask {
        Ask {
            expression: Some(expression.to_owned()),
            destination: Some(destination.to_owned()),
        }
    }

    /// Everybody of both sides.
    pub(super) fn everyone() -> Ask {
        Ask {
            expression: Some("all".to_owned()),
            destination: None,
        }
    }

    /// Whoever can be reached at a destination.
    pub(super) fn population(destination: &str) -> Ask {
        Ask {
            expression: None,
            destination: Some(destination.to_owned()),
        }
    }
}

/// The sets to judge, and the earliest day to judge them on.
#[derive(Clone)]
pub(super) struct Pinned {
    pub collaboration: Id,
    pub sets: Pair,
    pub not_before: Date,
}

struct Case {
    collaboration: Collaboration,
    withdrawals: Vec<Withdrawal>,
    sets: Pair,
    as_of: Date,
    in_force: bool,
}

impl Judged {
    fn get(&self, key: &Key) -> Option<Arc<PersonSet>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let hit = found.iter().find(|(known, _)| known == key);
        hit.map(|(_, persons)| Arc::clone(persons))
    }

    fn put(&self, key: Key, persons: Arc<PersonSet>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.push_back((key, persons));
        if found.len() > KEPT {
            found.pop_front();
        }
    }
}

impl Service {
    /// The persons of every question, judged on today and on every withdrawal up to now. If the
    /// agreement is no longer in force, nobody.
    pub(super) async fn judge(
        &self,
        held: &Held,
        pinned: Pinned,
        asks: Vec<Ask>,
    ) -> Result<Permitted<Vec<Arc<PersonSet>>>, JobError> {
        let case = self.case(pinned).await?;
        let _turn = tokio::select! {
            turn = self.0.judged.evaluating.acquire() => turn,
            () = held.cancel.cancelled() => return Err(JobError::Cancelled),
        };
        let (service, running) = (self.clone(), held.clone());
        let judged = blocking(move || {
            let suppression = match service.suppression(&case) {
                Ok(suppression) => suppression,
                Err(error) => return Ok(Err(error)),
            };
            Ok(Permitted::judge(
                &suppression,
                case.as_of,
                case.in_force,
                |judgement| service.evaluate(&case, &judgement, asks, &running),
            ))
        })
        .await;
        match judged? {
            Err(_) if held.cancel.is_cancelled() => Err(JobError::Cancelled),
            result => result,
        }
    }

    async fn case(&self, pinned: Pinned) -> Result<Case, JobError> {
        let today = self.today();
        snapshot!(self.store(), "judge", |tx| {
            let collaboration = tx.collaboration(pinned.collaboration).await?;
            let collaboration = collaboration.ok_or_else(|| JobError::gone("the collaboration"))?;
            Ok(Case {
                withdrawals: tx.withdrawals(collaboration.id).await?,
                in_force: collaboration.in_force(today),
                sets: pinned.sets.clone(),
                as_of: today.max(pinned.not_before),
                collaboration,
            })
        })
    }

    fn suppression(&self, case: &Case) -> Result<Suppression, JobError> {
        if case.withdrawals.len() as u64 != case.collaboration.withdrawals {
            return Err(JobError::failed("withdrawals", "not all of them are there"));
        }
        let mut tokens = Vec::new();
        for withdrawal in &case.withdrawals {
            tokens.extend(self.withdrawn(withdrawal)?);
        }
        Ok(Suppression::new(tokens, case.collaboration.withdrawals))
    }

    fn evaluate(
        &self,
        case: &Case,
        judgement: &Judgement<'_>,
        asks: Vec<Ask>,
        held: &Held,
    ) -> Result<Vec<Arc<PersonSet>>, JobError> {
        if !judgement.in_force {
            let nobody = Arc::new(PersonSet::new());
            return Ok(vec![nobody; asks.len()]);
        }
        let keys: Vec<Key> = asks
            .into_iter()
            .map(|ask| Key {
                sets: [case.sets.advertiser.form(), case.sets.partner.form()],
                withdrawals: case.collaboration.withdrawals,
                as_of: judgement.as_of,
                ask,
            })
            .collect();
        let mut found: Vec<_> = keys.iter().map(|key| self.0.judged.get(key)).collect();
        let missing: Vec<usize> = (0..keys.len())
            .filter(|index| found[*index].is_none())
            .collect();
        if !missing.is_empty() {
            let partner = self.open_set(&case.sets.partner)?;
            let (matched, reached): (Vec<usize>, Vec<usize>) =
                (missing.into_iter()).partition(|index| keys[*index].ask.expression.is_some());
            for index in reached {
                let persons = population(&partner, &keys[index].ask, judgement, held)?;
                self.0.judged.put(keys[index].clone(), Arc::clone(&persons));
                found[index] = Some(persons);
            }
            let missing = matched;
            let advertiser = self.open_set(&case.sets.advertiser)?;
            let questions = missing.iter().map(|index| question(&keys[*index].ask));
            let plan = MatchPlan {
                advertiser: &advertiser,
                partner: &partner,
                suppressed: judgement.suppressed,
                as_of: judgement.as_of,
                questions: questions.collect::<Result<_, _>>()?,
                progress: &|share| held.progress.set(share),
            };
            let evaluated = self.0.parts.engine.evaluate(&plan, held.cancel.flag());
            let evaluated = evaluated.map_err(|error| JobError::failed("matching", error))?;
            if evaluated.len() != missing.len() {
                return Err(JobError::failed(
                    "matching",
                    "not every question is answered",
                ));
            }
            for (index, persons) in missing.into_iter().zip(evaluated) {
                let persons = Arc::new(persons);
                self.0.judged.put(keys[index].clone(), Arc::clone(&persons));
                found[index] = Some(persons);
            }
        }
        let complete: Option<Vec<_>> = found.into_iter().collect();
        complete.ok_or_else(|| JobError::failed("matching", "not every question is answered"))
    }
}

/// Whoever can be reached at the destination of an ask without an expression.
fn population(
    partner: &SealedSet,
    ask: &Ask,
    judgement: &Judgement<'_>,
    held: &Held,
) -> Result<Arc<PersonSet>, JobError> {
    let destination = ask.destination.as_deref().unwrap_or_default();
    let cancel = held.cancel.flag();
    let (day, out) = (judgement.as_of, judgement.suppressed);
    let reach = sets::reach(partner, &[destination], day, out, cancel)
        .map_err(|error| JobError::failed("population", error))?;
    let mut reach = reach.ok_or(JobError::Cancelled)?;
    Ok(Arc::new(reach.at.pop().unwrap_or_default()))
}

fn question(ask: &Ask) -> Result<Question, JobError> {
    let expression = ask.expression.as_deref().unwrap_or_default();
    Ok(Question {
        expression: Expression::parse(expression)
            .map_err(|_| JobError::failed("stored expression", "not an expression"))?,
        destination: ask.destination.clone(),
    })
}
