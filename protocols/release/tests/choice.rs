use std::collections::BTreeSet;

use proptest::prelude::*;
use tamis_keys::Secret;

use super::*;

#[test]
fn the_same_key_and_subject_choose_the_same_and_others_choose_others() {
    let other_key = Secret::<purpose::Choice>::from_bytes([8; 32]);
    let other_key = Choice::new(&other_key, &1u64.to_be_bytes());
    let one = choice(1).positions(5, 1_000, 116);
    assert_eq!(one, choice(1).positions(5, 1_000, 116));
    for other in [
        choice(2).positions(5, 1_000, 116),
        choice(1).positions(6, 1_000, 116),
        other_key.positions(5, 1_000, 116),
    ] {
        assert_ne!(one, other);
    }
    let persons = set(0..5_000);
    let share = |choice: &Choice| list(&choice.share(&persons, 20));
    assert_eq!(share(&choice(1)), share(&choice(1)));
    assert_ne!(share(&choice(1)), share(&choice(2)));
    assert_ne!(share(&choice(1)), share(&other_key));
}

#[test]
fn fewer_are_the_beginning_of_more() {
    let more = choice(3).positions(0, 400, 116);
    assert_eq!(choice(3).positions(0, 400, 40), more[..40]);
}

#[test]
fn every_position_is_chosen_equally_often() {
    // 20 of 100, 4,000 times: each 800 times, standard deviation 25.
    let mut times = [0u32; 100];
    for subject in 0..4_000 {
        for position in choice(subject).positions(9, 100, 20) {
            times[position as usize] += 1;
        }
    }
    let chi2: f64 = times
        .iter()
        .map(|n| (f64::from(*n) - 800.0).powi(2) / 640.0)
        .sum();
    // 99 degrees of freedom: mean 99, standard deviation 14.
    assert!((50.0..170.0).contains(&chi2), "{chi2}");
    assert!(times.iter().all(|n| n.abs_diff(800) < 130), "{times:?}");
}

#[test]
fn every_pair_of_positions_is_chosen_together_equally_often() {
    let mut together = [[0u32; 10]; 10];
    for subject in 0..9_000 {
        let pair = choice(subject).positions(2, 10, 2);
        together[pair[0] as usize][pair[1] as usize] += 1;
    }
    for (one, row) in together.iter().enumerate() {
        for (other, times) in row.iter().enumerate() {
            let expected = if one == other { 0 } else { 100 };
            assert!(times.abs_diff(expected) < 60, "{one}, {other}: {times}");
        }
    }
}

#[test]
fn a_share_is_so_many_percent_and_decided_person_by_person() {
    let all = set(0..100_000);
    for percent in [1, 10, 33, 50, 100] {
        let share = choice(4).share(&all, percent);
        let count = list(&share).len() as f64;
        let expected = 1_000.0 * f64::from(percent);
        assert!((count - expected).abs() < 800.0, "{percent}: {count}");
        let few = set((0..100_000).step_by(7));
        let of_few = choice(4).share(&few, percent);
        assert_eq!(list(&of_few), list(&share.within(&few)));
    }
    assert!(list(&choice(4).share(&all, 0)).is_empty());
}

proptest! {
    #[test]
    fn positions_are_different_and_within_bounds(
        subject in any::<u64>(), cell in any::<u32>(), from in 0u32..3_000, count in 0u32..400,
    ) {
        let positions = choice(subject).positions(cell, from, count);
        prop_assert_eq!(positions.len(), from.min(count) as usize);
        prop_assert!(positions.iter().all(|position| *position < from));
        let different: BTreeSet<_> = positions.iter().collect();
        prop_assert_eq!(different.len(), positions.len());
    }
}
