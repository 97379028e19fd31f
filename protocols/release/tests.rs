#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Mutex;

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::*;
use crate::intersection::PersonSet;

/// Always the same draw.
struct Fixed(i64);

impl Noise for Fixed {
    fn discrete_laplace(&self, _: u32) -> i64 {
        self.0
    }
}

/// A seeded sampler: the difference of two geometric draws, by inversion of uniform numbers.
struct Seeded(Mutex<ChaCha20Rng>);

impl Seeded {
    fn new(seed: u64) -> Self {
        Seeded(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
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

/// Draws nothing: any use is a failure.
struct Silent;

impl Noise for Silent {
    fn discrete_laplace(&self, _: u32) -> i64 {
        panic!("noise was drawn below the minimum")
    }
}

fn persons(count: usize) -> Cardinality {
    let mut words = vec![u64::MAX; count / 64];
    words.push((1 << (count % 64)) - 1);
    PersonSet::from_words(&words).cardinality()
}

#[test]
fn below_the_minimum_nothing_is_said() {
    for count in [0, 1, 50, 99] {
        let decision = Policy::floor().decide(&persons(count), &Silent);
        assert_eq!(decision, Decision::BelowMinimum);
        assert_eq!(decision.count(), ReleasedCount::BelowMinimum);
        assert_eq!((decision.about(), decision.percent_of(1000)), (None, None));
    }
}

#[test]
fn noise_comes_before_rounding() {
    // Rounding first would give 110 for every draw below 10.
    let about = |draw| Policy::floor().decide(&persons(112), &Fixed(draw)).about();
    assert_eq!(about(2), Some(110));
    assert_eq!(about(3), Some(120));
    assert_eq!(about(-8), Some(100));
}

#[test]
fn a_release_is_never_reported_below_the_minimum_rounded_down() {
    let policy = Policy::floor().tightened(137).unwrap();
    assert_eq!(
        policy.decide(&persons(137), &Fixed(-1_000)).about(),
        Some(130)
    );
    assert_eq!(
        policy.decide(&persons(137), &Fixed(i64::MIN)).about(),
        Some(130)
    );
    let about = policy.decide(&persons(137), &Fixed(i64::MAX)).about();
    assert!(about.is_some_and(|about| about <= 1 << 63));
}

#[test]
fn a_policy_can_only_be_tightened() {
    let policy = Policy::floor().tightened(500).unwrap();
    assert_eq!(policy.k_min(), 500);
    assert_eq!(
        policy.tightened(499),
        Err(PolicyError::Looser { floor: 500 })
    );
    assert!(Policy::floor().tightened(99).is_err());
    assert_ne!(policy.digest(), Policy::floor().digest());
}

#[test]
fn the_rate_is_a_whole_percent_of_released_numbers() {
    let decision = Policy::floor().decide(&persons(420), &Fixed(0));
    assert_eq!(decision.percent_of(1000), Some(42));
    assert_eq!(decision.percent_of(300), Some(100));
    assert_eq!(decision.percent_of(0), None);
}

#[test]
fn the_vectors_are_what_they_say() {
    let vectors: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("vectors/decisions.json")).unwrap();
    for vector in vectors {
        let k_min = vector["k_min"].as_u64().unwrap() as u32;
        let policy = Policy::floor().tightened(k_min).unwrap();
        assert_eq!(vector["digest"], hex::encode(policy.digest()));
        for case in vector["decisions"].as_array().unwrap() {
            let count = persons(case["persons"].as_u64().unwrap() as usize);
            let draw = Fixed(case["draw"].as_i64().unwrap());
            let about = policy.decide(&count, &draw).about();
            assert_eq!(case["about"].as_u64(), about, "{case}");
        }
    }
}

#[test]
fn released_counts_spread_as_the_noise_does() {
    let (noise, count) = (Seeded::new(7), persons(1005));
    let (mut sum, mut squares, trials) = (0.0, 0.0, 20_000);
    for _ in 0..trials {
        let off = Policy::floor().decide(&count, &noise).about().unwrap() as f64 - 1005.0;
        sum += off;
        squares += off * off;
    }
    let mean = sum / f64::from(trials);
    let variance = squares / f64::from(trials) - mean * mean;
    // Discrete Laplace of scale 5 has variance 49.8; rounding to 10 adds about 100/12.
    // Rounding half up moves the mean by a half.
    assert!((mean - 0.5).abs() < 0.3, "{mean}");
    assert!((50.0..68.0).contains(&variance), "{variance}");
}

/// The attack: find the edge between two rounded values, then tell n from n + 1 by one release.
#[test]
fn attack_one_person_at_a_rounding_edge_stays_hidden_in_noise() {
    let noise = Seeded::new(11);
    for edge in [1004, 1005, 1009, 1010] {
        let trials = 20_000;
        let above = |count: usize| {
            let count = persons(count);
            (0..trials)
                .filter(|_| Policy::floor().decide(&count, &noise).about() >= Some(1010))
                .count() as f64
        };
        let (without, with) = (above(edge), above(edge + 1));
        let accuracy = 0.5 + (with - without) / f64::from(trials) / 2.0;
        assert!(accuracy < 0.56, "edge {edge}: {accuracy}");
    }
}

proptest! {
    #[test]
    fn whatever_the_noise_the_count_is_rounded_and_not_below_the_minimum(
        count in 0usize..5_000, draw in any::<i64>(), k_min in 100u32..3_000,
    ) {
        let policy = Policy::floor().tightened(k_min).unwrap();
        let decision = policy.decide(&persons(count), &Fixed(draw));
        prop_assert_eq!(decision.is_released(), count >= k_min as usize);
        if let Some(about) = decision.about() {
            prop_assert!(about >= u64::from(k_min / 10 * 10));
            prop_assert!(about % 10 == 0 || about == 1 << 63);
        }
    }
}
