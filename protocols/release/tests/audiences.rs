use super::*;

fn decide(cells: &Cells, ask: &Ask<'_>) -> Outcome {
    Policy::floor().release(cells, ask, &choice(1), &Fixed(0))
}

#[test]
fn a_first_audience_is_emitted_as_it_is() {
    let hits = set(0..300);
    let outcome = decide(&cells(1_000, &[]), &ask(&hits, None));
    assert_eq!(outcome.decision.about(), Some(300));
    assert_eq!(list(outcome.emitted.persons()), list(&hits));
    assert!(outcome.control.is_none());
}

#[test]
fn who_is_not_in_the_population_is_never_emitted() {
    let outcome = decide(&cells(500, &[]), &ask(&set(200..900), None));
    assert_eq!(list(outcome.emitted.persons()), list(&set(200..500)));
}

#[test]
fn an_audience_below_the_minimum_emits_nobody() {
    let outcome = decide(&cells(1_000, &[]), &ask(&set(0..165), None));
    assert_eq!(outcome.decision, Decision::BelowMinimum);
    assert!(list(outcome.emitted.persons()).is_empty());
}

#[test]
fn an_audience_of_all_but_one_looks_like_one_of_all() {
    for left_out in [0, 1, 2, 115, 116] {
        let hits = set(left_out..1_000);
        let outcome = decide(&cells(1_000, &[]), &ask(&hits, None));
        let emitted = list(outcome.emitted.persons());
        assert_eq!(emitted.len(), 884);
        assert!(outcome.emitted.persons().is_within(&hits));
        assert_eq!(outcome.decision.about(), Some(880));
    }
}

#[test]
fn small_hits_of_one_cell_are_dropped_and_large_ones_of_another_emitted() {
    let known = set(0..500);
    let outcome = decide(&cells(2_000, &[&known]), &ask(&set(385..800), None));
    // 115 of the first cell, 300 of the second.
    assert_eq!(list(outcome.emitted.persons()), list(&set(500..800)));
}

#[test]
fn a_refresh_that_leaves_out_few_changes_nothing() {
    let known = Emitted::new(set(0..500));
    let cells = cells(2_000, &[known.persons()]);
    let outcome = decide(&cells, &ask(&set(1..500), Some(&known)));
    assert_eq!(list(outcome.emitted.persons()), list(known.persons()));
    // Nor does one that adds few.
    let outcome = decide(&cells, &ask(&set(0..615), Some(&known)));
    assert_eq!(list(outcome.emitted.persons()), list(known.persons()));
    // One that leaves out, or adds, enough does.
    let outcome = decide(&cells, &ask(&set(116..616), Some(&known)));
    assert_eq!(list(outcome.emitted.persons()), list(&set(116..616)));
}

#[test]
fn a_refresh_that_leaves_all_of_a_cell_removes_it() {
    let known = Emitted::new(set(0..500));
    let cells = cells(2_000, &[known.persons()]);
    let outcome = decide(&cells, &ask(&set(500..900), Some(&known)));
    assert_eq!(list(outcome.emitted.persons()), list(&set(500..900)));
}

#[test]
fn a_previous_audience_that_the_cells_do_not_know_keeps_nobody() {
    let unknown = Emitted::new(set(0..500));
    let outcome = decide(&cells(1_000, &[]), &ask(&set(1..1_000), Some(&unknown)));
    assert_eq!(outcome.decision, Decision::BelowMinimum);
}

#[test]
fn two_draws_for_each_cell_that_is_touched_and_one_for_the_count_whatever_comes_of_it() {
    let known = set(0..500);
    let cells = cells(2_000, &[&known]);
    for hits in [set(0..1), set(0..250), set(0..499), set(0..500)] {
        let noise = Script::new(&[0; 3]);
        Policy::floor().release(&cells, &ask(&hits, None), &choice(1), &noise);
        assert!(noise.is_used_up());
    }
    let noise = Script::new(&[0; 5]);
    Policy::floor().release(&cells, &ask(&set(400..700), None), &choice(1), &noise);
    assert!(noise.is_used_up());
}

#[test]
fn draws_are_made_in_the_order_of_the_lowest_hits() {
    // The cell that was refined last has the highest number, and the lowest hits.
    let known = set(0..500);
    let noise = Script::new(&[-400, 0, 0, 0, 0]);
    let hits = set(100..900);
    let cells = cells(2_000, &[&known]);
    let outcome = Policy::floor().release(&cells, &ask(&hits, None), &choice(1), &noise);
    assert_eq!(list(outcome.emitted.persons()), list(&set(500..900)));
}

#[test]
fn cells_are_those_who_were_in_the_same_audiences() {
    let (one, two) = (set(0..600), set(300..900));
    let cells = cells(1_000, &[&one, &two]);
    let of: Vec<_> = [0, 299, 300, 599, 600, 899, 900, 999]
        .map(|person| cells.of(person).unwrap())
        .into();
    for (at, pair) in of.chunks(2).enumerate() {
        assert_eq!(pair[0], pair[1]);
        assert_eq!(cells.size(pair[0]), [300, 300, 300, 100][at]);
    }
    assert_eq!(cells.of(1_000), None);
}

#[test]
fn cells_stay_numbered_densely_over_many_audiences() {
    let mut cells = cells(2_000, &[]);
    for turn in 0..500 {
        cells.refine(&set(if turn % 2 == 0 { 0..1_000 } else { 500..1_500 }));
    }
    let used = (0..2_000).map(|person| cells.of(person).unwrap());
    assert_eq!(used.collect::<std::collections::BTreeSet<_>>().len(), 4);
    assert!(cells.count() < 80, "{}", cells.count());
}
