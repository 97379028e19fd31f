//! The gate at work: one question after the other through the cells of its destination, and what is let
//! out written to disk.
//!
//! What an earlier question of the same pass let out counts for the next, as if it were delivered already.
//! Nothing here is known to anybody before the transaction that follows.
//!
//! Memory: 4 bytes a person and destination; the history of one destination at a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tamis_keys::Secret;
use tamis_keys::purpose;
use tamis_protocols::intersection::PersonSet;
use tamis_protocols::release::{self, Choice, Emitted, Holdout};

use super::decide::{Persons, Waiting};
use super::history::History;
use super::judge::Ask;
use super::open::Pair;
use super::{Held, JobError};
use crate::domain::id::Id;
use crate::service::Service;
use crate::service::append::blocking;
use crate::sets::Emission;
use crate::store::decisions::Decision;
use crate::store::emissions::{EmissionFile, Place};
use crate::store::snapshot;

/// What is decided on.
pub(super) struct Ground {
    pub waiting: Waiting,
    pub sets: Pair,
    pub persons: Persons,
}

/// What the gate says to one question.
pub(super) struct Verdict {
    /// The released number; none below the minimum.
    pub about: Option<u64>,
    pub control_about: Option<u64>,
    /// What was let out, on disk; none below the minimum.
    pub file: Option<EmissionFile>,
    /// It has persons that only earlier decisions reached.
    pub kept: bool,
    /// The operator should look first.
    pub abnormal: bool,
}

/// What the gate says to each question.
#[derive(Default)]
pub(super) struct Verdicts(HashMap<String, Verdict>);

impl Verdicts {
    pub(super) fn of(&self, question: &str) -> Option<&Verdict> {
        self.0.get(question)
    }

    /// Everything on disk.
    pub(super) fn files(&self) -> impl Iterator<Item = &EmissionFile> {
        self.0.values().filter_map(|verdict| verdict.file.as_ref())
    }
}

/// What is asked at one destination, with everything that it takes to decide.
struct Destination {
    decisions: Vec<Decision>,
    /// By audience: what it is at there.
    current: HashMap<Id, Emission>,
    history: History,
    population: Arc<PersonSet>,
    hits: Vec<Arc<PersonSet>>,
    key: Secret<purpose::Choice>,
    form: (Id, bool),
}

impl Service {
    /// Decides every question that has no answer yet.
    pub(super) async fn gate(&self, held: &Held, ground: &Ground) -> Result<Verdicts, JobError> {
        let waiting = &ground.waiting;
        let everyone = reach(ground, &Ask::everyone())?;
        let limit = self.limits().abnormal;
        let abnormal = limit.is(&everyone.cardinality(), waiting.rows, waiting.persons);
        let days = waiting.policy.tenure_days();
        let tenured = match days {
            0 => None,
            days => {
                let (id, partner) = (waiting.collaboration.id, &ground.sets.partner);
                Some(self.tenured(held, id, partner, days).await?)
            }
        };
        let mut verdicts = Verdicts::default();
        for (destination, decisions) in self.unanswered(waiting).await? {
            held.check()?;
            let there = self
                .destination(held, ground, &destination, decisions, tenured.as_ref())
                .await?;
            let (service, policy) = (self.clone(), waiting.policy);
            let decided = blocking(move || Ok(service.decide_at(there, &policy))).await??;
            verdicts.0.extend(decided);
        }
        for verdict in verdicts.0.values_mut() {
            verdict.abnormal = abnormal;
        }
        Ok(verdicts)
    }

    /// Decisions whose question has no answer, each question once, by destination.
    async fn unanswered(
        &self,
        waiting: &Waiting,
    ) -> Result<BTreeMap<String, Vec<Decision>>, JobError> {
        snapshot!(self.store(), "gate-unanswered", |tx| {
            let mut found: BTreeMap<String, Vec<Decision>> = BTreeMap::new();
            for decision in &waiting.decisions {
                let there = found.entry(decision.destination.clone()).or_default();
                let known = there.iter().any(|one| one.question == decision.question);
                if !known && tx.earlier_answer(&decision.question).await?.is_none() {
                    there.push(decision.clone());
                }
            }
            found.retain(|_, decisions| !decisions.is_empty());
            Ok::<_, JobError>(found)
        })
    }

    async fn destination(
        &self,
        held: &Held,
        ground: &Ground,
        destination: &str,
        decisions: Vec<Decision>,
        tenured: Option<&PersonSet>,
    ) -> Result<Destination, JobError> {
        let found = &ground.waiting.collaboration;
        let present = &ground.sets.partner;
        let form = present.form().ok_or_else(|| JobError::gone("an upload"))?;
        let look_back = ground.waiting.policy.look_back_days();
        let place = Place::of(found, destination);
        let history = self
            .history(held, &place, (found.id, present), look_back)
            .await?;
        let released = snapshot!(self.store(), "gate-current", |tx| {
            let mut released = Vec::new();
            for decision in &decisions {
                let newest = tx.released_of(decision.audience, destination).await?;
                let emission = newest.first().and_then(|newest| newest.emission);
                released.extend(emission.map(|emission| (decision.audience, emission)));
            }
            Ok::<_, JobError>(released)
        })?;
        let current = released.into_iter();
        let current = current
            .filter_map(|(audience, emission)| Some((audience, history.of(emission)?.clone())));
        let among = |persons: Arc<PersonSet>| match tenured {
            Some(tenured) => Arc::new(persons.within(tenured)),
            None => persons,
        };
        let hits = decisions.iter().map(|decision| {
            let ask = Ask::members(&decision.expression, destination);
            Ok(among(reach(ground, &ask)?))
        });
        Ok(Destination {
            hits: hits.collect::<Result<_, JobError>>()?,
            current: current.collect(),
            population: among(reach(ground, &Ask::population(destination))?),
            key: self.choice_key(&found.advertiser, &found.partner).await?,
            decisions,
            history,
            form,
        })
    }

    /// Decides what is asked at one destination, in order.
    fn decide_at(
        &self,
        mut there: Destination,
        policy: &release::Policy,
    ) -> Result<Vec<(String, Verdict)>, JobError> {
        let mut cells = there.history.cells(&there.population);
        let mut verdicts = Vec::with_capacity(there.decisions.len());
        for (decision, hits) in there.decisions.iter().zip(&there.hits) {
            let before = there.current.get(&decision.audience);
            let ask = release::Ask {
                hits,
                previous: before.map(|before| &before.emitted),
                holdout: (decision.holdout > 0).then(|| Holdout {
                    percent: decision.holdout,
                    earlier: before.map(|before| &before.chosen),
                }),
            };
            let choice = Choice::new(&there.key, decision.id.to_string().as_bytes());
            let outcome = policy.release(&cells, &ask, &choice, &*self.0.parts.noise);
            let mut verdict = Verdict {
                about: outcome.decision.about(),
                control_about: outcome.control.and_then(|control| control.about()),
                file: None,
                kept: !outcome.emitted.persons().is_within(hits),
                abnormal: false,
            };
            if outcome.decision.is_released() {
                cells.refine(outcome.emitted.persons());
                let emission = Emission {
                    emitted: outcome.emitted,
                    chosen: chosen(outcome.chosen, before),
                };
                let file = self.write_emission_file(decision.id, there.form, true, &emission)?;
                verdict.file = Some(file);
                there.current.insert(decision.audience, emission);
            }
            verdicts.push((decision.question.clone(), verdict));
        }
        Ok(verdicts)
    }
}

/// Whoever was chosen for control once stays so, also while the audience has no hold-out.
fn chosen(now: Emitted, before: Option<&Emission>) -> Emitted {
    match before {
        Some(before) if now.persons().is_within(before.chosen.persons()) => before.chosen.clone(),
        _ => now,
    }
}

fn reach(ground: &Ground, ask: &Ask) -> Result<Arc<PersonSet>, JobError> {
    let found = ground.persons.get(ask).cloned();
    found.ok_or_else(|| JobError::failed("matching", "not every question is answered"))
}
