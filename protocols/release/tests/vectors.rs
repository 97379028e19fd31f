//! Decisions that another implementation must come to as well. Sets of persons are written as ranges.

use serde_json::{Value, json};
use tamis_keys::Secret;

use super::*;
use crate::golden;

/// Draws as they come, noted.
struct Noted(Mutex<(Seeded, Vec<i64>)>);

impl Noise for Noted {
    fn discrete_laplace(&self, scale: u32) -> i64 {
        let mut inner = self.0.lock().unwrap();
        let draw = inner.0.discrete_laplace(scale);
        inner.1.push(draw);
        draw
    }
}

#[test]
fn vectors_of_counts() {
    let wishes = [
        wish(|_| ()),
        wish(|wish| wish.k_min = Some(105)),
        wish(|wish| (wish.noise_scale, wish.round_to) = (Some(7), Some(25))),
        wish(|wish| (wish.pair_cap, wish.window_minutes) = (Some(4_000), Some(60))),
    ];
    let cases = [
        (0, 0),
        (99, 1_000),
        (100, 65),
        (100, 66),
        (105, 66),
        (165, 0),
        (166, 0),
        (170, -4),
        (204, 0),
        (205, 0),
        (12_345, -7),
        (12_345, 0),
    ];
    let vectors: Vec<Value> = wishes
        .iter()
        .map(|wish| {
            let policy = Policy::floor().tightened(wish).unwrap();
            let counts = cases.map(|(persons, draw)| {
                let decision = policy.count(&set(0..persons).cardinality(), &Fixed(draw));
                json!({"persons": persons, "draw": draw, "about": decision.about()})
            });
            json!({
                "policy": policy,
                "digest": hex::encode(policy.digest()),
                "piece": policy.piece(),
                "threshold": policy.threshold(),
                "charges": {"count": policy.count_charge(), "audience": policy.audience_charge()},
                "counts": counts,
            })
        })
        .collect();
    golden::check("release/vectors/decisions.json", &json!(vectors));
}

/// One question.
#[derive(Default)]
struct Case {
    what: &'static str,
    history: Vec<PersonSet>,
    hits: PersonSet,
    /// Which of the history the audience has.
    previous: Option<usize>,
    /// Percent, and who was chosen before.
    holdout: Option<(u8, Option<PersonSet>)>,
}

fn cases() -> Vec<Case> {
    let case = |what, hits| Case {
        what,
        hits,
        ..Case::default()
    };
    vec![
        case("a first audience", set(100..700)),
        case("below the minimum", set(100..240)),
        case("all but one", set(0..2_999)),
        Case {
            history: vec![set(0..800), set(400..1_600)],
            ..case(
                "four cells, some touched little",
                set((0..1_500).step_by(2)),
            )
        },
        Case {
            history: vec![set(0..800), set(400..1_600)],
            ..case("held back in several cells", set(1..3_000))
        },
        Case {
            history: vec![set(0..800)],
            previous: Some(0),
            ..case("a refresh that leaves out few", set(3..1_400))
        },
        Case {
            history: vec![set(0..800), set(400..1_600)],
            previous: Some(1),
            ..case("a refresh that leaves out many", set(900..1_900))
        },
        Case {
            holdout: Some((20, None)),
            ..case("a hold-out", set(0..2_000))
        },
        Case {
            history: vec![set(0..800)],
            previous: Some(0),
            holdout: Some((25, Some(set(800..1_000)))),
            ..case("a hold-out, refreshed", set(0..2_000))
        },
    ]
}

fn ranges(persons: &PersonSet) -> Value {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for person in persons.each() {
        match ranges.last_mut() {
            Some(last) if last.1 == person => last.1 += 1,
            _ => ranges.push((person, person + 1)),
        }
    }
    json!(ranges)
}

#[test]
fn vectors_of_audiences() {
    const POPULATION: u32 = 3_000;
    let key = [0x42; 32];
    let seed = |at| Seeded::new(1_000 + at as u64);
    let vectors: Vec<Value> = cases()
        .iter()
        .enumerate()
        .map(|(at, case)| {
            let subject = format!("decision-{at}");
            let choice = Choice::new(
                &Secret::<purpose::Choice>::from_bytes(key),
                subject.as_bytes(),
            );
            let noise = Noted(Mutex::new((seed(at), Vec::new())));
            let known: Vec<&PersonSet> = case.history.iter().collect();
            let previous = case
                .previous
                .map(|at| Emitted::new(case.history[at].clone()));
            let earlier = case.holdout.as_ref().and_then(|(_, earlier)| {
                let earlier = earlier.as_ref()?;
                Some(Emitted::new(earlier.clone()))
            });
            let holdout = case.holdout.as_ref().map(|(percent, _)| Holdout {
                percent: *percent,
                earlier: earlier.as_ref(),
            });
            let ask = Ask {
                hits: &case.hits,
                previous: previous.as_ref(),
                holdout,
            };
            let cells = cells(POPULATION, &known);
            let outcome = Policy::floor().release(&cells, &ask, &choice, &noise);
            json!({
                "what": case.what,
                "subject": subject,
                "history": case.history.iter().map(ranges).collect::<Vec<_>>(),
                "hits": ranges(&case.hits),
                "previous": case.previous,
                "holdout": case.holdout.as_ref().map(|(percent, earlier)| json!({
                    "percent": percent,
                    "earlier": earlier.as_ref().map(ranges),
                })),
                "draws": noise.0.into_inner().unwrap().1,
                "about": outcome.decision.about(),
                "control": outcome.control.and_then(|control| control.about()),
                "emitted": ranges(outcome.emitted.persons()),
                "chosen": ranges(outcome.chosen.persons()),
            })
        })
        .collect();
    golden::check(
        "release/vectors/audiences.json",
        &json!({
            "choice_key": hex::encode(key),
            "population": POPULATION,
            "policy": Policy::floor(),
            "audiences": vectors,
        }),
    );
}
