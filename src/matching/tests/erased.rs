//! People who were erased are out as if they had withdrawn, though nobody remembers their tokens; and
//! everybody else is as before, by the same number.

use std::path::Path;

use super::stacked::{grown, steps};
use super::*;
use crate::sets::testing::{Growing, Seeded};
use crate::sets::{EraseJob, Layer, erase, owners_of};

/// Erases people from a set of several layers, and is killed after so many of them.
fn erased(set: &Growing<'_>, dir: &Path, tokens: &[Token], killed_after: usize) {
    let owners = owners_of(&set.open(), tokens).unwrap();
    let passes = [true, false].into_iter();
    let all = passes.flat_map(|keep| set.layers().iter().map(move |layer| (keep, layer)));
    for (keep_tokens, (id, compacted)) in all.take(killed_after) {
        let (dir, layer) = match compacted {
            true => {
                let dir = dir.join(format!("{id}.compact"));
                let layer = Layer::compacted(&dir, &key(), id);
                (dir, layer)
            }
            false => (dir.join(id), Layer::open(&dir.join(id), &key(), id)),
        };
        erase(EraseJob {
            layer: &layer.unwrap(),
            compacted: *compacted,
            dir: &dir,
            key: &key(),
            entropy: &Seeded::new(77),
            owners: &owners,
            tokens,
            keep_tokens,
            cancel: &AtomicBool::new(false),
        })
        .unwrap();
    }
}

fn answers(
    left: &SealedSet,
    right: &SealedSet,
    suppressed: &[Token],
    day: Date,
) -> Vec<BTreeSet<u32>> {
    let mut questions = Vec::new();
    for (text, _) in EXPRESSIONS {
        for destination in [None, Some("dmp-b"), Some("dsp-a")] {
            questions.push(question(text, destination));
        }
    }
    let plan = MatchPlan {
        advertiser: left,
        partner: right,
        suppressed,
        as_of: day,
        questions,
        progress: &|_| {},
    };
    let found = LocalEngine::default().evaluate(&plan, &AtomicBool::new(false));
    let found = found.unwrap();
    // By their numbers in the set, which an erasing does not change.
    let all = 0..right.persons();
    let found = found.iter();
    let found = found.map(|set| all.clone().filter(|person| set.contains(*person)).collect());
    found.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn erased_people_are_out_as_if_suppressed_whenever_the_erasing_was_killed(
        ours in steps(0),
        theirs in steps(2),
        asked in prop::collection::vec((0usize..3, 0u32..14), 1..4),
        killed_after in 0usize..9,
        later in 0i64..60,
        compacted in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut left = grown(dir.path(), crm(), 1 << 20, &ours);
        let mut right = grown(dir.path(), graph(), 1 << 20, &theirs);
        if compacted {
            left.compact();
            right.compact();
        }
        let day = AS_OF.saturating_add(later.days());
        let mut tokens: Vec<Token> = asked.iter().map(|(kind, n)| token(*kind, *n)).collect();
        tokens.sort_unstable();
        tokens.dedup();
        let expected = answers(&left.open(), &right.open(), &tokens, day);
        for stop in [killed_after, usize::MAX] {
            erased(&left, dir.path(), &tokens, stop);
            erased(&right, dir.path(), &tokens, stop);
        }
        let (one, other) = (left.open(), right.open());
        one.verify().unwrap();
        other.verify().unwrap();
        prop_assert!(owners_of(&one, &tokens).unwrap().is_empty());
        prop_assert!(owners_of(&other, &tokens).unwrap().is_empty());
        prop_assert_eq!(answers(&one, &other, &[], day), expected.clone());
        // And what is made of these sets afterwards knows nothing of them either.
        left.compact();
        let (one, other) = (left.open(), right.open());
        prop_assert_eq!(answers(&one, &other, &[], day), expected);
        right.compact();
        prop_assert!(owners_of(&right.open(), &tokens).unwrap().is_empty());
    }
}
