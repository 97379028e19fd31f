#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Mutex;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use tamis_keys::Secret;
use tamis_keys::purpose;

use super::*;
use crate::intersection::PersonSet;

mod atoms;
mod audiences;
mod budget;
mod choice;
mod counts;
mod emitted;
mod holdout;
mod policy;
mod population;
mod vectors;
mod verdicts;

/// Always the same draw.
struct Fixed(i64);

impl Noise for Fixed {
    fn discrete_laplace(&self, _: u32) -> i64 {
        self.0
    }
}

/// These draws, in this order; more are a failure.
struct Script(Mutex<Vec<i64>>);

impl Script {
    fn new(draws: &[i64]) -> Self {
        Script(Mutex::new(draws.iter().rev().copied().collect()))
    }

    fn is_used_up(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

impl Noise for Script {
    fn discrete_laplace(&self, _: u32) -> i64 {
        self.0.lock().unwrap().pop().expect("another draw")
    }
}

/// A seeded sampler: the difference of two geometric draws, by inversion of uniform numbers.
struct Seeded(Mutex<ChaCha20Rng>);

impl Seeded {
    fn new(seed: u64) -> Self {
        Seeded(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }

    fn below(&self, bound: u64) -> u64 {
        self.0.lock().unwrap().next_u64() % bound
    }
}

impl Noise for Seeded {
    fn discrete_laplace(&self, scale: u32) -> i64 {
        let mut rng = self.0.lock().unwrap();
        let mut geometric = || {
            let uniform = ((rng.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
            (-uniform.ln() * f64::from(scale)).floor() as i64
        };
        geometric() - geometric()
    }
}

fn set(persons: impl IntoIterator<Item = u32>) -> PersonSet {
    let mut words = Vec::new();
    for person in persons {
        let word = person as usize / 64;
        words.resize(words.len().max(word + 1), 0);
        words[word] |= 1 << (person % 64);
    }
    PersonSet::from_words(&words)
}

fn list(set: &PersonSet) -> Vec<u32> {
    set.each().collect()
}

fn choice(subject: u64) -> Choice {
    let key = Secret::<purpose::Choice>::from_bytes([7; 32]);
    Choice::new(&key, &subject.to_be_bytes())
}

/// Cells of persons below `count`, refined by these audiences.
fn cells(count: u32, history: &[&PersonSet]) -> Cells {
    let mut cells = Cells::new(&set(0..count));
    history.iter().for_each(|known| cells.refine(known));
    cells
}

fn ask<'a>(hits: &'a PersonSet, previous: Option<&'a Emitted>) -> Ask<'a> {
    Ask {
        hits,
        previous,
        holdout: None,
    }
}

fn wish(change: impl FnOnce(&mut Wish)) -> Wish {
    let mut wish = Wish::default();
    change(&mut wish);
    wish
}
