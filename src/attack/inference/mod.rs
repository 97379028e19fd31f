//! Size inference: who of many targets is a member, from sizes of intersections alone.
//!
//! The attacker has a hundred targets, about half of them in the partner's base, and puppets that lift every
//! question over the minimum. It asks about groups of targets until the budget is spent, estimates from each
//! answer how many of a group are members, and guesses for every target. The four algorithms differ in
//! which groups they ask about. They are written after what the papers describe, for noisy answers.
//!
//! Accuracy: the share of targets that are guessed rightly. Half of them are members, so 0.5 is a coin.

mod bayes;
mod paths;
mod sums;
mod tree;

use super::game::Score;
use super::room::Room;
use super::{Attack, Lab};

/// People the attacker wants to know about.
const TARGETS: usize = 100;

pub(super) const BASELINE: Attack = (
    "size-inference-baseline",
    "tree search: a group that is neither all nor none is halved (Guo et al. 2022); counts",
    |lab| attack(lab, Door::Counts, tree::search),
);

pub(super) const BASELINE_AUDIENCES: Attack = (
    "size-inference-baseline-audiences",
    "the same, by audiences at a destination",
    |lab| attack(lab, Door::Audiences, tree::search),
);

pub(super) const BAYES: Attack = (
    "size-inference-bayesian",
    "active Bayesian learning: asks about those it is least sure of, and updates every target",
    |lab| attack(lab, Door::Counts, bayes::learn),
);

pub(super) const PATHS: Attack = (
    "size-inference-paths",
    "best path first: of all groups the one nearest to all or none is halved",
    |lab| attack(lab, Door::Counts, paths::follow),
);

pub(super) const SUMS: Attack = (
    "size-inference-sums",
    "a whole tree level by level, reconciled so that halves add up",
    |lab| attack(lab, Door::Counts, sums::explore),
);

pub(super) const SUMS_AUDIENCES: Attack = (
    "size-inference-sums-audiences",
    "the same, by audiences at a destination",
    |lab| attack(lab, Door::Audiences, sums::explore),
);

/// How the attacker asks.
#[derive(Clone, Copy)]
enum Door {
    Counts,
    Audiences,
}

/// What an algorithm may do: ask how many of some targets are members.
struct Oracle<'a> {
    room: Room<'a>,
    door: Door,
    puppets: u32,
    /// Variance of an answer.
    variance: f64,
}

impl Oracle<'_> {
    /// About how many of these targets are members; nothing once the budget is spent. An answer "below
    /// minimum" is as good as none of them.
    fn members(&mut self, targets: &[usize]) -> Option<f64> {
        let mut hits = vec![0..self.puppets];
        hits.extend(targets.iter().map(|at| {
            let person = self.puppets + *at as u32;
            person..person + 1
        }));
        let told = match self.door {
            Door::Counts => self.room.count(&hits)?,
            Door::Audiences => self.room.audience(&hits, None)?.told,
        };
        let about = told.map_or(0.0, |about| about as f64 - 0.5 - f64::from(self.puppets));
        Some(about.clamp(0.0, targets.len() as f64))
    }
}

/// An algorithm gives, for each target, how likely it thinks that it is a member.
type Algorithm = fn(&Lab<'_>, &mut Oracle<'_>) -> [f64; TARGETS];

fn attack(lab: &Lab<'_>, door: Door, algorithm: Algorithm) -> Score {
    let puppets = 3 * lab.policy.threshold();
    let (scale, step) = (
        f64::from(lab.policy.noise_scale()),
        f64::from(lab.policy.round_to()),
    );
    let mut score = Score::default();
    for _ in 0..lab.trials.div_ceil(TARGETS as u32).max(30) {
        let members: Vec<bool> = (0..TARGETS).map(|_| lab.coin()).collect();
        let base: Vec<_> = (puppets..)
            .zip(&members)
            .filter(|(_, is_member)| **is_member)
            .map(|(person, _)| person..person + 1)
            .chain([0..puppets, puppets + 100..puppets + 600])
            .collect();
        let mut oracle = Oracle {
            room: Room::new(lab, &base),
            door,
            puppets,
            variance: 2.0 * scale * scale + step * step / 12.0,
        };
        let likely = algorithm(lab, &mut oracle);
        for (likely, is_member) in likely.iter().zip(&members) {
            let guess = match *likely == 0.5 {
                true => lab.coin(),
                false => *likely > 0.5,
            };
            score.add(guess == *is_member);
        }
    }
    score
}
