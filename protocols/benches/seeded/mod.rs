//! What the benches of the gate share: seeded people, and seeded noise.
#![allow(dead_code, reason = "each bench uses a part")]

use std::sync::Mutex;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use tamis_keys::{Secret, purpose};
use tamis_protocols::intersection::PersonSet;
use tamis_protocols::release::{Choice, Noise};

/// The same draws in every run.
pub struct Seeded(Mutex<ChaCha8Rng>);

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Seeded(Mutex::new(ChaCha8Rng::seed_from_u64(seed)))
    }

    /// Of persons below `count`, each with probability `percent` in a hundred.
    pub fn segment(&self, count: u32, percent: u64) -> PersonSet {
        let mut rng = self.0.lock().unwrap();
        let limit = percent * (u64::MAX / 100);
        let mut words = vec![0u64; count.div_ceil(64) as usize];
        for person in 0..count {
            words[person as usize / 64] |= u64::from(rng.next_u64() < limit) << (person % 64);
        }
        PersonSet::from_words(&words)
    }
}

impl Noise for Seeded {
    /// The difference of two geometric draws, by inversion of uniform numbers.
    fn discrete_laplace(&self, scale: u32) -> i64 {
        let mut rng = self.0.lock().unwrap();
        let mut geometric = || {
            let uniform = ((rng.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
            (-uniform.ln() * f64::from(scale)).floor() as i64
        };
        geometric() - geometric()
    }
}

/// All persons from `start` to before `end`.
pub fn range(start: u32, end: u32) -> PersonSet {
    let mut words = vec![0u64; end.div_ceil(64) as usize];
    for person in start..end {
        words[person as usize / 64] |= 1 << (person % 64);
    }
    PersonSet::from_words(&words)
}

pub fn choice(subject: u64) -> Choice {
    let key = Secret::<purpose::Choice>::from_bytes([3; 32]);
    Choice::new(&key, &subject.to_be_bytes())
}
