//! A population that changes, an advertiser that asks, and a destination that remembers everything:
//! what the property of the gate is checked against. Knows persons by lasting ids, and cells not at all.

use std::collections::BTreeMap;

use super::*;

/// Somebody, whatever number the set of the day gives them.
#[derive(Clone)]
struct Person {
    id: u64,
    withdrawn: bool,
    /// In which of the audiences emitted so far: a bit each, the newest lowest.
    signature: u64,
}

/// An audience of the advertiser's.
struct Audience {
    previous: Option<Emitted>,
    chosen: Option<Emitted>,
    holdout: Option<u8>,
    /// Its place among `salts` decides who is in it, then how that drifts.
    salt: u64,
}

pub(super) struct Population {
    random: Seeded,
    /// By number, in the set of the day.
    persons: Vec<Person>,
    /// Everything emitted, in the numbers of the day.
    history: Vec<Emitted>,
    audiences: Vec<Audience>,
    newest: u64,
    asked: u64,
    pub(super) releases: usize,
    pub(super) cuts: usize,
    /// Whether anybody ever withdrew or left.
    shrunk: bool,
}

impl Population {
    pub(super) fn new(seed: u64) -> Self {
        let random = Seeded::new(seed);
        let count = 300 + random.below(2_700);
        let person = |id| Person {
            id,
            withdrawn: false,
            signature: 0,
        };
        Population {
            random,
            persons: (0..count).map(person).collect(),
            history: Vec::new(),
            audiences: Vec::new(),
            newest: count,
            asked: 0,
            releases: 0,
            cuts: 0,
            shrunk: false,
        }
    }

    /// The advertiser asks: a new audience, or one of its old ones again.
    pub(super) fn ask(&mut self, noise: &dyn Noise) {
        let known = self.audiences.len() as u64;
        let again = known > 0 && self.random.below(2) == 0;
        let at = match again {
            true => self.random.below(known) as usize,
            false => {
                self.audiences.push(Audience {
                    previous: None,
                    chosen: None,
                    holdout: (self.random.below(5) == 0).then_some(30),
                    salt: self.random.below(1 << 40),
                });
                known as usize
            }
        };
        let hits = self.hits(at);
        let mut cells = Cells::new(&set(self.present()));
        self.history
            .iter()
            .for_each(|known| cells.refine(known.persons()));
        let audience = &self.audiences[at];
        let ask = Ask {
            hits: &hits,
            previous: audience.previous.as_ref(),
            holdout: audience.holdout.map(|percent| Holdout {
                percent,
                earlier: audience.chosen.as_ref(),
            }),
        };
        self.asked += 1;
        let outcome = Policy::floor().release(&cells, &ask, &choice(self.asked), noise);
        if !outcome.decision.is_released() {
            assert!(list(outcome.emitted.persons()).is_empty());
            return;
        }
        self.check_members(&hits, at, &outcome);
        self.note(at, outcome);
    }

    fn present(&self) -> impl Iterator<Item = u32> + '_ {
        let numbered = (0..).zip(&self.persons);
        numbered.filter_map(|(number, person)| (!person.withdrawn).then_some(number))
    }

    /// A share of everybody, from a few to all but a few; asked again, about the same.
    fn hits(&self, at: usize) -> PersonSet {
        let salt = self.audiences[at].salt;
        let few = self.random.below(3) * self.random.below(140);
        let count = self.persons.len() as u64;
        let wanted = match salt % 4 {
            0 => count.saturating_sub(salt % 130),
            1 => salt % 400,
            _ => salt / 7 % count,
        };
        let hash = |id: u64| (id ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let mut order: Vec<(u64, u32)> = self
            .present()
            .map(|number| (hash(self.persons[number as usize].id), number))
            .collect();
        order.sort_unstable();
        let skipped = few as usize / 2;
        let hits = order.iter().skip(skipped).take(wanted as usize);
        set(hits.map(|(_, number)| *number))
    }

    fn check_members(&self, hits: &PersonSet, at: usize, outcome: &Outcome) {
        let previous = self.audiences[at].previous.as_ref();
        for person in outcome.emitted.persons().each() {
            let before = previous.is_some_and(|before| before.persons().contains(person));
            assert!(hits.contains(person) || before, "somebody nobody asked for");
            assert!(!self.persons[person as usize].withdrawn);
            assert!(
                !outcome.chosen.persons().contains(person),
                "control is emitted"
            );
        }
        if let Some(earlier) = &self.audiences[at].chosen {
            assert!(earlier.persons().is_within(outcome.chosen.persons()));
        }
    }

    /// Notes what was emitted, and checks every atom: each was at least `cell_min` large when it was cut,
    /// and still is unless people went.
    fn note(&mut self, at: usize, outcome: Outcome) {
        let before = self.atoms();
        for (number, person) in (0..).zip(&mut self.persons) {
            let is_in = outcome.emitted.persons().contains(number);
            person.signature = person.signature << 1 | u64::from(is_in);
        }
        let after = self.atoms();
        for (signature, size) in &after {
            let parent = before[&(signature >> 1)];
            let is_cut = *size < parent;
            assert!(!is_cut || *size >= 50, "{size} were cut off from {parent}");
            assert!(self.shrunk || *size >= 50, "an atom of {size}");
        }
        self.releases += 1;
        self.cuts += after.len() - before.len();
        let audience = &mut self.audiences[at];
        audience.previous = Some(outcome.emitted.clone());
        audience.chosen = Some(outcome.chosen);
        self.history.push(outcome.emitted);
    }

    /// How many of those present are in exactly the same emitted audiences.
    fn atoms(&self) -> BTreeMap<u64, u32> {
        let mut atoms = BTreeMap::new();
        for number in self.present() {
            let signature = self.persons[number as usize].signature;
            *atoms.entry(signature).or_insert(0) += 1;
        }
        atoms
    }

    /// Some withdraw.
    pub(super) fn withdraw(&mut self) {
        for _ in 0..self.random.below(60) {
            let at = self.random.below(self.persons.len() as u64) as usize;
            self.persons[at].withdrawn = true;
        }
        self.shrunk = true;
    }

    /// The partner uploads its graph anew: some left, some came, and everybody has another number.
    pub(super) fn upload(&mut self, some_leave: bool) {
        let old = std::mem::take(&mut self.persons);
        let mut people: Vec<(u64, Option<u32>, Person)> = Vec::new();
        for (number, person) in (0..).zip(old) {
            if some_leave && self.random.below(40) == 0 {
                self.shrunk = true;
                continue;
            }
            people.push((self.random.below(1 << 60), Some(number), person));
        }
        for _ in 0..self.random.below(300) {
            let person = Person {
                id: self.newest,
                withdrawn: false,
                signature: 0,
            };
            self.newest += 1;
            people.push((self.random.below(1 << 60), None, person));
        }
        people.sort_unstable_by_key(|(place, ..)| *place);
        let numbers: BTreeMap<u32, u32> = (0..)
            .zip(&people)
            .filter_map(|(new, (_, old, _))| old.map(|old| (old, new)))
            .collect();
        let renumbered = |emitted: &Emitted| {
            emitted.renumbered(|person, now| {
                if let Some(new) = numbers.get(&person) {
                    now(*new);
                }
            })
        };
        self.history = self.history.iter().map(renumbered).collect();
        for audience in &mut self.audiences {
            audience.previous = audience.previous.as_ref().map(renumbered);
            audience.chosen = audience.chosen.as_ref().map(renumbered);
        }
        self.persons = people.into_iter().map(|(_, _, person)| person).collect();
    }
}
