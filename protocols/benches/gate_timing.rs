//! Whether time tells what came of a decision: `cargo bench -p tamis-protocols --bench gate_timing`.
//!
//! Four decisions about the same number of hits: accepted as asked, repaired by holding back, repaired by
//! keeping what was there, and refused because the count is below minimum. What waits for the operator is decided like any other. Taken in random
//! order; Welch's t of each against the accepted ones. |t| below 4.5: not told apart.
// A bench has no seam for time and randomness.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods
)]

use std::hint::black_box;
use std::time::Instant;

use tamis_protocols::intersection::PersonSet;
use tamis_protocols::release::{Ask, Cells, Decision, Emitted, Noise, Outcome, Policy};

mod seeded;
use seeded::{Seeded, choice, range};

const HITS: u32 = 100_000;
/// In a cell of their own, so that all cases have as many cells.
const OTHERS: u32 = 20_000;

/// Draws as always, but the last one as given: refuses without another size.
struct Last<'a>(&'a Seeded, std::sync::atomic::AtomicU32, i64);

impl Noise for Last<'_> {
    fn discrete_laplace(&self, scale: u32) -> i64 {
        let draw = self.0.discrete_laplace(scale);
        match self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            2 => self.2 + draw % 2,
            _ => draw,
        }
    }
}

struct Case {
    name: &'static str,
    cells: Cells,
    previous: Option<Emitted>,
    /// Added to the draw of the count.
    shift: i64,
    times: Vec<f64>,
}

fn case(name: &'static str, rest: u32, refresh: bool, shift: i64, random: &Seeded) -> Case {
    let cell = HITS + rest;
    let mut cells = Cells::new(&range(0, cell + OTHERS));
    let known = range(0, cell);
    let ask = Ask {
        hits: &known,
        previous: None,
        holdout: None,
    };
    let first = Policy::floor().release(&cells, &ask, &choice(0), random);
    cells.refine(first.emitted.persons());
    Case {
        name,
        previous: refresh.then_some(first.emitted),
        cells,
        shift,
        times: Vec::new(),
    }
}

fn decide(case: &Case, hits: &PersonSet, turn: u64, random: &Seeded) -> (f64, Outcome) {
    let ask = Ask {
        hits,
        previous: case.previous.as_ref(),
        holdout: None,
    };
    let noise = Last(random, 0.into(), case.shift);
    let began = Instant::now();
    let outcome = black_box(Policy::floor().release(&case.cells, &ask, &choice(turn), &noise));
    (began.elapsed().as_secs_f64() * 1e6, outcome)
}

/// Mean and variance, the slowest and fastest twentieth aside: interruptions are no property of the gate.
fn moments(times: &[f64]) -> (f64, f64, f64) {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    let times = &times[times.len() / 20..times.len() - times.len() / 20];
    let count = times.len() as f64;
    let mean = times.iter().sum::<f64>() / count;
    let variance = times.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, variance, count)
}

fn main() {
    let samples: usize = std::env::var("TAMIS_BENCH_SAMPLES")
        .map_or(Ok(2_000), |samples| samples.parse())
        .unwrap();
    let random = Seeded::new(9);
    let hits = range(0, HITS);
    for refresh in [false, true] {
        let mut cases = [
            case("accepted", 400, refresh, 0, &random),
            case("repaired", 1, refresh, 0, &random),
            case("below minimum", 400, refresh, -1_000_000, &random),
        ];
        for turn in 0..cases.len() * samples {
            let at = (random.discrete_laplace(50).unsigned_abs() as usize) % cases.len();
            let (time, outcome) = decide(&cases[at], &hits, turn as u64, &random);
            let refused = outcome.decision == Decision::BelowMinimum;
            assert_eq!(refused, cases[at].shift < 0, "{}", cases[at].name);
            cases[at].times.push(time);
        }
        let accepted = moments(&cases[0].times);
        println!(
            "{}: accepted {:.1} µs",
            if refresh { "refresh" } else { "new audience" },
            accepted.0
        );
        for case in &cases[1..] {
            let other = moments(&case.times);
            let t = (other.0 - accepted.0) / (other.1 / other.2 + accepted.1 / accepted.2).sqrt();
            println!(
                "  {:14} {:.1} µs, {} samples, t = {t:+.2}",
                case.name,
                other.0,
                case.times.len()
            );
        }
    }
}
