//! Replay: the same question, again and again, until the noise averages out.

use super::game::Score;
use super::room::Room;
use super::{Attack, Lab};

pub(super) const QUESTION: Attack = (
    "replay",
    "the same question a hundred times: is the victim in the base?",
    |lab| {
        let puppets = 2 * lab.policy.threshold();
        lab.game(|is_there| {
            let end = puppets + u32::from(is_there);
            let mut room = Room::new(lab, &[0..end]);
            let answers = (0..100).map_while(|_| room.question("all", &[0..end]));
            let sum: u64 = answers.flatten().sum();
            sum
        })
    },
);

/// Targets whose budget is shared: an advertiser's customers, not one person.
const VICTIMS: u32 = 20;

pub(super) const SPELLINGS: Attack = (
    "replay-spellings",
    "twenty victims, each asked about in other words until the budget is spent",
    spellings,
);

fn spellings(lab: &Lab<'_>) -> Score {
    let puppets = 2 * lab.policy.threshold();
    let questions = lab.policy.pair_cap() / lab.policy.count_charge().max(1);
    let each = (questions / VICTIMS).max(1);
    let mut score = Score::default();
    for _ in 0..(2 * lab.trials).div_ceil(VICTIMS) {
        let there: Vec<bool> = (0..VICTIMS).map(|_| lab.coin()).collect();
        let base: Vec<_> = (puppets..)
            .zip(&there)
            .filter(|(_, there)| **there)
            .map(|(victim, _)| victim..victim + 1)
            .chain([0..puppets])
            .collect();
        let mut room = Room::new(lab, &base);
        for (victim, is_there) in (puppets..).zip(&there) {
            // Padded differently each time, so that rounding averages out as well.
            let (mut sum, mut expected) = (0.0, 0.0);
            for turn in 0..each {
                let padded = puppets - turn * lab.policy.round_to() / each;
                let words = format!("victim {victim}, spelling {turn}");
                let told = room.question(&words, &[0..padded, victim..victim + 1]);
                if let Some(Some(about)) = told {
                    sum += about as f64;
                    // Rounding half up moves the mean by a half, the coin by another.
                    expected += f64::from(padded) + 1.0;
                }
            }
            let guess = match sum == expected {
                true => lab.coin(),
                false => sum > expected,
            };
            score.add(guess == *is_there);
        }
    }
    score
}
