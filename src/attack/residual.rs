//! What the gate does not stop, measured: SECURITY.md says it in words.
//!
//! One draw of noise tells of one person like a vote that is right with probability p = e^(1/b) / (1 + e^(1/b)):
//! the likelihood of what is seen changes by exactly e^(±1/b). So nobody can do better with n draws than the
//! majority of n such votes, whatever is asked: 0.55 with one or two at b = 5, 0.59 with six, 0.735 with
//! the forty of a window.

use tamis_protocols::release::Policy;

use super::game::Score;
use super::room::Room;
use super::{Attack, Lab};

/// What is measured, and how far it can go.
pub(super) fn all(policy: &Policy) -> [(Attack, f64); 2] {
    let questions = policy.pair_cap() / policy.count_charge().max(1);
    [
        (WHOLE_BUDGET, majority(questions, policy.noise_scale())),
        (EXACT_DISPLAY, 1.0),
    ]
}

/// How often the majority of `votes` is right, each being right like one draw of this scale; ties are
/// decided by a coin.
fn majority(votes: u32, scale: u32) -> f64 {
    let odds = (1.0 / f64::from(scale)).exp();
    let (right, wrong) = ((odds / (1.0 + odds)).ln(), (1.0 / (1.0 + odds)).ln());
    let mut choose = 0.0;
    let mut sum = 0.0;
    for good in 0..=votes {
        let probability =
            (choose + f64::from(good) * right + f64::from(votes - good) * wrong).exp();
        sum += match (2 * good).cmp(&votes) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => probability / 2.0,
            std::cmp::Ordering::Greater => probability,
        };
        choose += f64::from(votes - good).ln() - f64::from(good + 1).ln();
    }
    sum
}

const WHOLE_BUDGET: Attack = (
    "whole-budget-on-one-person",
    "every count of a window about one victim, each on other rows: the sum of the answers",
    |lab| {
        let puppets = 3 * lab.policy.threshold();
        let questions = lab.policy.pair_cap() / lab.policy.count_charge().max(1);
        let mut score = Score::default();
        for _ in 0..lab.trials {
            let is_there = lab.coin();
            let victim = puppets..puppets + u32::from(is_there);
            let mut room = Room::new(lab, &[0..victim.end]);
            let (mut sum, mut expected) = (0.0, 0.0);
            for turn in 0..questions {
                let padded = puppets - turn % lab.policy.round_to();
                if let Some(Some(about)) = room.count(&[0..padded, victim.clone()]) {
                    sum += about as f64;
                    // Rounding half up moves the mean by a half, the coin by another.
                    expected += f64::from(padded) + 1.0;
                }
            }
            score.add((sum > expected) == is_there);
        }
        score
    },
);

const EXACT_DISPLAY: Attack = (
    "destination-shows-exact-sizes",
    "one audience of puppets and the victim at a destination that shows how many it received",
    |lab: &Lab<'_>| {
        let puppets = 2 * lab.policy.threshold();
        lab.game(|is_there| {
            let end = puppets + u32::from(is_there);
            let mut room = Room::new(lab, &[0..end, puppets + 1..puppets + 501]);
            let emitted = room
                .audience(&[0..end], None)
                .and_then(|audience| audience.emitted);
            emitted.map_or(0, |emitted| {
                (0..end)
                    .filter(|person| emitted.persons().contains(*person))
                    .count()
            })
        })
    },
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_majority_of_votes_is_as_good_as_the_documentation_says() {
        let right = |votes| (1_000.0 * majority(votes, 5)).round() / 1_000.0;
        let expected = [(1, 0.55), (2, 0.55), (3, 0.575), (4, 0.575), (6, 0.593)];
        for (votes, accuracy) in expected {
            assert_eq!(right(votes), accuracy, "{votes}");
        }
        assert!((majority(40, 5) - 0.735).abs() < 0.001);
        assert!(majority(480, 5) > 0.98);
    }
}
