use super::*;

fn decide(
    cells: &Cells,
    hits: &PersonSet,
    previous: Option<&Emitted>,
    earlier: Option<&Emitted>,
    percent: u8,
    subject: u64,
) -> Outcome {
    let ask = Ask {
        hits,
        previous,
        holdout: Some(Holdout { percent, earlier }),
    };
    Policy::floor().release(cells, &ask, &choice(subject), &Fixed(0))
}

fn disjoint(one: &Emitted, other: &Emitted) -> bool {
    list(&one.persons().within(other.persons())).is_empty()
}

#[test]
fn control_is_counted_and_never_emitted() {
    let hits = set(0..4_000);
    let outcome = decide(&cells(9_000, &[]), &hits, None, None, 10, 1);
    assert!(disjoint(&outcome.chosen, &outcome.emitted));
    let (chosen, emitted) = (
        list(outcome.chosen.persons()),
        list(outcome.emitted.persons()),
    );
    assert_eq!(chosen.len() + emitted.len(), 4_000);
    assert!((320..480).contains(&chosen.len()), "{}", chosen.len());
    let about = outcome.control.unwrap().about().unwrap();
    assert!(about.abs_diff(chosen.len() as u64) <= 5);
}

#[test]
fn both_halves_pass_or_nothing_leaves() {
    // 10 % of 1,000 are too few for control; 50 % of 300 leave too few of both.
    for (hits, percent) in [(set(0..1_000), 10), (set(0..300), 50)] {
        let outcome = decide(&cells(9_000, &[]), &hits, None, None, percent, 1);
        assert_eq!(outcome.decision, Decision::BelowMinimum);
        assert_eq!(outcome.control, Some(Decision::BelowMinimum));
        assert!(list(outcome.emitted.persons()).is_empty());
        assert!(list(outcome.chosen.persons()).is_empty());
    }
    // Too few for delivery alone: control would pass.
    let noise = Script::new(&[0, 0, -1_600, 0]);
    let ask = Ask {
        hits: &set(0..2_000),
        previous: None,
        holdout: Some(Holdout {
            percent: 20,
            earlier: None,
        }),
    };
    let outcome = Policy::floor().release(&cells(9_000, &[]), &ask, &choice(1), &noise);
    assert_eq!(outcome.control, Some(Decision::BelowMinimum));
}

#[test]
fn no_more_than_half_is_ever_control() {
    let hits = set(0..4_000);
    let half = decide(&cells(9_000, &[]), &hits, None, None, 50, 1);
    let more = decide(&cells(9_000, &[]), &hits, None, None, 99, 1);
    assert_eq!(list(half.chosen.persons()), list(more.chosen.persons()));
}

#[test]
fn control_stays_control_and_delivered_stays_delivered_over_refreshes() {
    let mut history: Vec<Emitted> = Vec::new();
    let mut chosen: Option<Emitted> = None;
    for turn in 0..8 {
        let known: Vec<&PersonSet> = history.iter().map(Emitted::persons).collect();
        let cells = cells(20_000, &known);
        // Some hundred come and go each time.
        let hits = set(turn * 300..4_000 + turn * 400);
        let previous = history.last();
        let outcome = decide(
            &cells,
            &hits,
            previous,
            chosen.as_ref(),
            20,
            u64::from(turn),
        );
        assert!(outcome.decision.is_released() && outcome.control.unwrap().is_released());
        assert!(disjoint(&outcome.chosen, &outcome.emitted));
        if let Some(before) = &chosen {
            assert!(before.persons().is_within(outcome.chosen.persons()));
        }
        for known in &history {
            assert!(disjoint(&outcome.chosen, known), "turn {turn}");
        }
        history.push(outcome.emitted);
        chosen = Some(outcome.chosen);
    }
}

#[test]
fn a_hold_out_of_a_delivered_audience_takes_nobody_whom_the_gate_keeps_there() {
    let before = Emitted::new(set(0..500));
    let cells = cells(9_000, &[before.persons()]);
    // 1 % of 500 and of 3,500: the first cell is kept as it was, its chosen members with it.
    let hits = set(0..4_000);
    let outcome = decide(&cells, &hits, Some(&before), None, 8, 1);
    assert!(outcome.decision.is_released());
    assert!(before.persons().is_within(outcome.emitted.persons()));
    assert!(disjoint(&outcome.chosen, &outcome.emitted));
}

#[test]
fn a_refused_refresh_leaves_control_as_it_was() {
    let earlier = Emitted::new(set(4_000..4_400));
    let outcome = decide(&cells(9_000, &[]), &set(0..10), None, Some(&earlier), 20, 1);
    assert_eq!(outcome.decision, Decision::BelowMinimum);
    assert_eq!(list(outcome.chosen.persons()), list(earlier.persons()));
}
