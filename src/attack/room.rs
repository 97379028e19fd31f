//! The clean room as one advertiser meets it with one partner and one destination: answers, a budget,
//! and stored answers to questions that were asked before.

use std::collections::BTreeMap;
use std::ops::Range;

use tamis_keys::{Secret, purpose};
use tamis_protocols::intersection::PersonSet;
use tamis_protocols::release::{Account, Ask, Cells, Choice, Emitted};

use super::Lab;

/// What the gate says: a count, or nothing.
pub(super) type Told = Option<u64>;

/// An audience at the destination.
pub(super) struct Audience {
    /// What the advertiser is told.
    pub(super) told: Told,
    /// What the destination has; its newest release if this was none.
    pub(super) emitted: Option<Emitted>,
}

pub(super) struct Room<'a> {
    lab: &'a Lab<'a>,
    population: PersonSet,
    history: Vec<Emitted>,
    account: Account,
    answers: BTreeMap<String, Told>,
    key: Secret<purpose::Choice>,
    decisions: u64,
}

/// The persons of some ranges.
pub(super) fn persons(ranges: &[Range<u32>]) -> PersonSet {
    let bound = ranges.iter().map(|range| range.end).max().unwrap_or(0);
    let mut words = vec![0u64; bound.div_ceil(64) as usize];
    for person in ranges.iter().cloned().flatten() {
        words[person as usize / 64] |= 1 << (person % 64);
    }
    PersonSet::from_words(&words)
}

impl<'a> Room<'a> {
    /// A partner's base of these persons, all with a cookie at the destination.
    pub(super) fn new(lab: &'a Lab<'a>, population: &[Range<u32>]) -> Self {
        let mut key = [0; 32];
        lab.entropy.fill(&mut key);
        Room {
            lab,
            population: persons(population),
            history: Vec::new(),
            account: Account {
                cap: lab.policy.pair_cap(),
                spent: 0,
            },
            answers: BTreeMap::new(),
            key: Secret::from_bytes(key),
            decisions: 0,
        }
    }

    /// How many are in the partner's base and among these: nothing if it is below minimum; none at all
    /// if the budget is exhausted.
    pub(super) fn count(&mut self, hits: &[Range<u32>]) -> Option<Told> {
        self.charge(self.lab.policy.count_charge())?;
        let hits = persons(hits).within(&self.population);
        let decision = self.lab.policy.count(&hits.cardinality(), self.lab.noise);
        Some(decision.about())
    }

    /// The same, for a question in words that may have been asked before.
    pub(super) fn question(&mut self, words: &str, hits: &[Range<u32>]) -> Option<Told> {
        if let Some(told) = self.answers.get(words) {
            return Some(*told);
        }
        let told = self.count(hits)?;
        self.answers.insert(words.to_owned(), told);
        Some(told)
    }

    /// Decides an audience at the destination: a new one, or `before` again.
    pub(super) fn audience(
        &mut self,
        hits: &[Range<u32>],
        before: Option<&Audience>,
    ) -> Option<Audience> {
        self.charge(self.lab.policy.audience_charge())?;
        let mut cells = Cells::new(&self.population);
        for known in &self.history {
            cells.refine(known.persons());
        }
        let before = before.and_then(|before| before.emitted.as_ref());
        let ask = Ask {
            hits: &persons(hits),
            previous: before,
            holdout: None,
        };
        self.decisions += 1;
        let choice = Choice::new(&self.key, &self.decisions.to_be_bytes());
        let outcome = self
            .lab
            .policy
            .release(&cells, &ask, &choice, self.lab.noise);
        if !outcome.decision.is_released() {
            return Some(Audience {
                told: None,
                emitted: before.cloned(),
            });
        }
        self.history.push(outcome.emitted.clone());
        Some(Audience {
            told: outcome.decision.about(),
            emitted: Some(outcome.emitted),
        })
    }

    fn charge(&mut self, charge: u32) -> Option<()> {
        self.account = self.account.charged(charge).ok()?;
        Some(())
    }
}
