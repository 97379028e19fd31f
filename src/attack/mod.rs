//! Attacks on the release gate, by an advertiser who has only what a live one has: its own rows, a budget,
//! and the answers.
//!
//! Flow: each attack plays a game many times against the real gate. A coin decides something about one
//! person, or about many; the attacker asks, within its budget; from the answers it guesses. It has first
//! learnt, from as many games whose coin it was shown, which guess suits which answers. What is measured
//! is how often it is right in games that it has not seen: 0.5 is a coin.
//!
//! What each party learns: nothing, the people are made up. Time and randomness are parameters.
//!
//! Sources: Guo, Han, Zhao, Fu, "Birds of a Feather Flock Together: How Set Bias Helps to Deanonymize You via
//! Revealed Intersection Sizes" (USENIX Security 2022), and what followed it, for `inference`; Venkatadri et
//! al. 2018 for rounding edges.
#![allow(
    clippy::single_range_in_vec_init,
    reason = "persons are given as a list of ranges, often of one"
)]

mod differencing;
mod game;
mod identifiers;
mod inference;
mod puppets;
mod replay;
mod residual;
mod room;
mod rounding;
mod uploads;

use serde::Serialize;
use tamis_keys::Entropy;
use tamis_protocols::release::{Noise, Policy};

use game::Score;

/// What the accuracy of an attack must not pass: e^0.4 / (1 + e^0.4), what one release may tell.
pub const LIMIT: f64 = 0.60;

/// Where attacks are made.
pub struct Lab<'a> {
    /// The policy under attack.
    pub policy: Policy,
    /// Coins and made-up people.
    pub entropy: &'a dyn Entropy,
    /// The gate's noise.
    pub noise: &'a dyn Noise,
    /// Games that each attack is judged by; as many come before, from which it learns.
    pub trials: u32,
}

/// How an attack went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// A short name.
    pub name: &'static str,
    /// What the attacker does, and what it wants to know.
    pub what: &'static str,
    /// Guesses that were judged.
    pub trials: u64,
    /// Share of right guesses; 0.5 is a coin.
    pub accuracy: f64,
    /// Standard error of the accuracy.
    pub standard_error: f64,
    /// What the accuracy must stay within, two standard errors aside.
    pub limit: f64,
    /// Whether it does.
    pub holds: bool,
}

/// How all went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The policy under attack.
    pub policy: Policy,
    /// Its digest, as log leaves carry it.
    pub policy_digest: String,
    /// What the gate is there to stop.
    pub attacks: Vec<Finding>,
    /// What it is known not to stop, and how far it goes.
    pub residual: Vec<Finding>,
    /// Whether everything stays within its limit.
    pub holds: bool,
}

/// An attack: a name, what it does, and the game.
type Attack = (&'static str, &'static str, fn(&Lab<'_>) -> Score);

/// What the gate is there to stop.
const ATTACKS: [Attack; 20] = [
    puppets::FORTY_NINE,
    puppets::NINETY_NINE,
    puppets::THRESHOLD,
    puppets::PIECE,
    puppets::SECOND_PIECE,
    differencing::UPLOADS,
    differencing::AUDIENCES,
    differencing::LEFT_OUT,
    rounding::EDGES,
    uploads::GARBAGE,
    uploads::UNIVERSE,
    identifiers::SIZES,
    replay::QUESTION,
    replay::SPELLINGS,
    inference::BASELINE,
    inference::BASELINE_AUDIENCES,
    inference::BAYES,
    inference::PATHS,
    inference::SUMS,
    inference::SUMS_AUDIENCES,
];

/// Makes the attacks whose names are wanted. `progress` gets how many are done, and of how many.
pub fn run(lab: &Lab<'_>, wanted: &dyn Fn(&str) -> bool, progress: &dyn Fn(u64, u64)) -> Report {
    let attacks = ATTACKS.iter().map(|attack| (*attack, LIMIT));
    let attacks: Vec<_> = attacks.filter(|(attack, _)| wanted(attack.0)).collect();
    let residual = residual::all(&lab.policy).into_iter();
    let residual: Vec<_> = residual.filter(|(attack, _)| wanted(attack.0)).collect();
    let all = (attacks.len() + residual.len()) as u64;
    let mut done = 0;
    let mut made = |(name, what, play): Attack, limit: f64| {
        progress(done, all);
        done += 1;
        let score = play(lab);
        let (accuracy, standard_error) = (score.accuracy(), score.standard_error());
        Finding {
            name,
            what,
            trials: score.trials,
            accuracy,
            standard_error,
            limit,
            holds: accuracy - 2.0 * standard_error <= limit,
        }
    };
    let mut each = |all: Vec<(Attack, f64)>| -> Vec<Finding> {
        let made = all.into_iter().map(|(attack, limit)| made(attack, limit));
        made.collect()
    };
    let (attacks, residual) = (each(attacks), each(residual));
    progress(all, all);
    Report {
        policy: lab.policy,
        policy_digest: hex::encode(lab.policy.digest()),
        holds: attacks.iter().chain(&residual).all(|finding| finding.holds),
        attacks,
        residual,
    }
}
