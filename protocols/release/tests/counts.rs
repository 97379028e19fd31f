use proptest::prelude::*;

use super::*;
use crate::wire::api::MatchRate;

fn about(persons: u32, draw: i64) -> Option<u64> {
    Policy::floor()
        .count(&set(0..persons).cardinality(), &Fixed(draw))
        .about()
}

#[test]
fn below_the_minimum_nothing_is_said_whatever_the_noise() {
    for persons in [0, 1, 50, 99] {
        for draw in [0, 66, 1_000_000, i64::MAX] {
            let count = set(0..persons).cardinality();
            let decision = Policy::floor().count(&count, &Fixed(draw));
            assert_eq!(decision, Decision::BelowMinimum);
            assert_eq!(decision.count(), ReleasedCount::BelowMinimum);
            assert_eq!((decision.about(), decision.rate_of(1000)), (None, None));
        }
    }
}

#[test]
fn what_counts_is_the_noisy_number_with_a_margin() {
    assert_eq!(about(165, 0), None);
    assert_eq!(about(165, 1), Some(170));
    assert_eq!(about(166, 0), Some(170));
    assert_eq!(about(166, -1), None);
    assert_eq!(about(100, 66), Some(170));
    assert_eq!(about(100, 65), None);
}

#[test]
fn noise_comes_before_rounding() {
    // Rounding first would give 210 for every draw below 10.
    assert_eq!(about(212, 2), Some(210));
    assert_eq!(about(212, 3), Some(220));
    assert_eq!(about(212, -8), Some(200));
}

#[test]
fn the_rate_is_a_whole_percent_of_released_numbers_and_no_finer_above_85() {
    let decision = Policy::floor().count(&set(0..420).cardinality(), &Fixed(0));
    let rate = |own| decision.rate_of(own);
    assert_eq!(rate(1000), Some(MatchRate::About { percent: 42 }));
    assert_eq!(rate(1001), Some(MatchRate::About { percent: 41 }));
    assert_eq!(rate(489), Some(MatchRate::About { percent: 85 }));
    assert_eq!(rate(488), Some(MatchRate::Above { above: 85 }));
    assert_eq!(rate(300), Some(MatchRate::Above { above: 85 }));
    assert_eq!(rate(0), None);
}

#[test]
fn released_counts_spread_as_the_noise_does() {
    let (noise, count) = (Seeded::new(7), set(0..1005).cardinality());
    let (mut sum, mut squares, trials) = (0.0, 0.0, 20_000);
    for _ in 0..trials {
        let off = Policy::floor().count(&count, &noise).about().unwrap() as f64 - 1005.0;
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
        let above = |persons: u32| {
            let count = set(0..persons).cardinality();
            (0..trials)
                .filter(|_| Policy::floor().count(&count, &noise).about() >= Some(1010))
                .count() as f64
        };
        let (without, with) = (above(edge), above(edge + 1));
        let accuracy = 0.5 + (with - without) / f64::from(trials) / 2.0;
        assert!(accuracy < 0.56, "edge {edge}: {accuracy}");
    }
}

proptest! {
    #[test]
    fn whatever_the_noise_a_count_is_rounded_and_never_below_minimum_and_margin(
        persons in 0u32..5_000, draw in any::<i64>(), k_min in 100u32..3_000,
    ) {
        let policy = Policy::floor().tightened(&wish(|wish| wish.k_min = Some(k_min))).unwrap();
        let decision = policy.count(&set(0..persons).cardinality(), &Fixed(draw));
        let noised = i128::from(persons) + i128::from(draw);
        let enough = persons >= k_min && noised >= i128::from(k_min) + 66;
        prop_assert_eq!(decision.is_released(), enough);
        if let Some(about) = decision.about() {
            prop_assert!(about >= u64::from(k_min) + 60);
            prop_assert!(about % 10 == 0 || about == 1 << 63);
        }
    }
}
