//! What a decision costs, its cells included: `cargo bench -p tamis-protocols --bench gate`.
//!
//! An audience of ten million persons of twelve million, after twenty audiences that the destination has.
// A bench has no seam for time and randomness.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use tamis_protocols::intersection::PersonSet;
use tamis_protocols::release::{Ask, Cells, Holdout, Policy};

mod seeded;
use seeded::{Seeded, choice, range};

const POPULATION: u32 = 12_000_000;

/// Twenty audiences as the gate let them out, each of another share of everybody.
fn released(everybody: &PersonSet, percent: u64, random: &Seeded) -> Vec<PersonSet> {
    let (mut cells, mut known) = (Cells::new(everybody), Vec::new());
    for turn in 0..20 {
        let ask = Ask {
            hits: &random.segment(POPULATION, percent),
            previous: None,
            holdout: None,
        };
        let outcome = Policy::floor().release(&cells, &ask, &choice(turn), random);
        cells.refine(outcome.emitted.persons());
        known.push(outcome.emitted.persons().clone());
    }
    known
}

fn decision(c: &mut Criterion) {
    let mut group = c.benchmark_group("gate");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(5));
    let (random, everybody) = (Seeded::new(1), range(0, POPULATION));
    let hits = range(1_000_000, 11_000_000);
    for (percent, name) in [(10, "a tenth"), (50, "half")] {
        let known = released(&everybody, percent, &random);
        let decide = |holdout: Option<Holdout<'_>>| {
            let mut cells = Cells::new(&everybody);
            known.iter().for_each(|known| cells.refine(known));
            let ask = Ask {
                hits: &hits,
                previous: None,
                holdout,
            };
            Policy::floor().release(&cells, &ask, &choice(1), &random)
        };
        group.bench_function(
            format!("10 M persons, 20 audiences of {name} of everybody before"),
            |b| b.iter(|| black_box(decide(None))),
        );
        if percent == 10 {
            group.bench_function("10 M persons, the same, a tenth held out", |b| {
                b.iter(|| {
                    black_box(decide(Some(Holdout {
                        percent: 10,
                        earlier: None,
                    })))
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, decision);
criterion_main!(benches);
