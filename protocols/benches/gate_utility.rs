//! How many of an audience the gate keeps: `cargo bench -p tamis-protocols --bench gate_utility`.
//!
//! A million persons with a cookie; one audience after the other at one destination, each of another
//! tenth of them, independent of all before. Prints, for every release, the share of the true matches that
//! are emitted.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use tamis_protocols::release::{Ask, Cells, Policy};

mod seeded;
use seeded::{Seeded, choice, range};

const POPULATION: u32 = 1_000_000;

fn main() {
    let random = Seeded::new(2026);
    let mut cells = Cells::new(&range(0, POPULATION));
    println!("release  kept");
    for release in 1..=20 {
        let hits = random.segment(POPULATION, 10);
        let ask = Ask {
            hits: &hits,
            previous: None,
            holdout: None,
        };
        let outcome = Policy::floor().release(&cells, &ask, &choice(release), &random);
        let is_in = |person: &u32| hits.contains(*person);
        let wanted = (0..POPULATION).filter(is_in).count();
        let kept = (0..POPULATION)
            .filter(|person| outcome.emitted.persons().contains(*person))
            .count();
        cells.refine(outcome.emitted.persons());
        println!("{release:7}  {:.2} %", 100.0 * kept as f64 / wanted as f64);
    }
}
