use super::verdict::Verdict;
use super::*;

fn verdict(hits: u32, size: u32, known: Option<bool>, draws: [i64; 2]) -> Verdict {
    Policy::floor().verdict(hits, size, known, draws)
}

#[test]
fn small_hits_are_dropped() {
    assert_eq!(verdict(115, 10_000, None, [0, 0]), Verdict::Nobody);
    assert_eq!(verdict(116, 10_000, None, [0, 0]), Verdict::Hits);
    assert_eq!(verdict(116, 10_000, None, [-1, 0]), Verdict::Nobody);
    assert_eq!(verdict(49, 10_000, None, [i64::MAX, 0]), Verdict::Nobody);
    assert_eq!(verdict(50, 10_000, None, [66, 0]), Verdict::Hits);
}

#[test]
fn a_new_audience_leaves_exactly_a_piece_however_few_it_leaves_out() {
    for rest in 0..116 {
        let held = 116 - rest;
        assert_eq!(
            verdict(1_000 - rest, 1_000, None, [0, 0]),
            Verdict::Without(held)
        );
    }
    assert_eq!(verdict(884, 1_000, None, [0, 0]), Verdict::Hits);
    assert_eq!(verdict(884, 1_000, None, [0, -1]), Verdict::Without(0));
    // Even where noise says that a large left-over is small, no more than that is held back.
    assert_eq!(verdict(500, 1_000, None, [0, -500]), Verdict::Without(0));
}

#[test]
fn nothing_is_held_back_from_hits_that_are_too_few_for_two_pieces() {
    assert_eq!(verdict(231, 231, None, [0, 0]), Verdict::Nobody);
    assert_eq!(verdict(232, 232, None, [0, 0]), Verdict::Without(116));
    assert_eq!(verdict(165, 165, None, [1_000, 0]), Verdict::Nobody);
    assert_eq!(verdict(166, 166, None, [1_000, 0]), Verdict::Without(116));
}

#[test]
fn a_refresh_that_leaves_few_keeps_the_cell_as_it_was() {
    for rest in 0..116 {
        let refresh = |known| verdict(1_000 - rest, 1_000, Some(known), [0, 0]);
        assert_eq!(refresh(true), Verdict::AsBefore);
        assert_eq!(refresh(false), Verdict::Nobody);
    }
    assert_eq!(verdict(884, 1_000, Some(true), [0, 0]), Verdict::Hits);
    assert_eq!(verdict(115, 1_000, Some(true), [0, 0]), Verdict::Nobody);
}

/// What makes a decision cost two draws of ε and no more: one person more moves what one draw decides.
#[test]
fn one_person_moves_the_thresholds_of_one_draw_only() {
    for size in [100, 165, 231, 232, 233, 300, 1_000] {
        for hits in (0..=size).filter(|hits| size - hits < 130 || *hits < 130) {
            for known in [None, Some(true), Some(false)] {
                for draws in [[0, 0], [3, -8], [-20, 20], [40, 1]] {
                    let one = verdict(hits, size, known, draws);
                    // Somebody more among the hits: undone by one less of the first draw.
                    let with = verdict(hits + 1, size + 1, known, [draws[0] - 1, draws[1]]);
                    // Somebody more among the others: undone by one less of the second.
                    let beside = verdict(hits, size + 1, known, [draws[0], draws[1] - 1]);
                    let alike = |other| match (one, other) {
                        // How many stay is decided by the size alone.
                        (Verdict::Without(_), Verdict::Without(_)) => true,
                        (one, other) => one == other,
                    };
                    // Refused without noise, where noise cannot be so large but once in 10⁶.
                    let improbable = hits < 50 || size - hits < 50 && draws[1] > 60;
                    assert!(
                        improbable || alike(with) && alike(beside),
                        "{hits} of {size}, {known:?}, {draws:?}: {one:?}, {with:?}, {beside:?}"
                    );
                }
            }
        }
    }
}
