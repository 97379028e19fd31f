//! What is gathered is what was noted, whatever the density, the order and the threads.

use super::*;
use crate::matching::answers::answers;
use crate::matching::bits::Bits;
use crate::matching::found::{CHUNK, Found, Marks};
use crate::matching::questions::Prepared;

/// More than two containers of a compressed set, the last one not full.
const PERSONS: u32 = (2 << 16) + 3 * CHUNK + 70;
/// The first that no chunk has room for.
const BEYOND: u32 = (2 << 16) + 4 * CHUNK;

fn bits(persons: &BTreeSet<u32>) -> Bits {
    let bits = Bits::new(PERSONS);
    persons.iter().for_each(|person| bits.set(*person));
    bits
}

/// Persons that crowd in one chunk, or are anywhere.
fn person() -> impl Strategy<Value = u32> {
    prop_oneof![
        6 => 0..CHUNK / 16,
        1 => (CHUNK - 2)..(CHUNK + 2),
        1 => (1u32 << 16) - 2..(1 << 16) + 2,
        1 => 0..PERSONS,
        1 => PERSONS - 10..PERSONS,
        1 => BEYOND..BEYOND + 10,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn answers_are_what_was_noted_less_who_is_out(
        questions in prop_oneof![Just(1usize), Just(3), Just(64)],
        notes in prop::collection::vec((person(), any::<u64>(), any::<u64>()), 0..3_000),
        aliases in prop::collection::vec((person(), person()), 0..20),
        out in prop::option::of(prop::collection::btree_set(person(), 0..200)),
        there in prop::collection::btree_set(person(), 0..200),
        threads in 1usize..4,
    ) {
        let all = u64::MAX >> (64 - questions);
        let notes: Vec<(u32, u64)> = notes.iter().map(|(person, a, b)| (*person, a & b & all)).collect();
        let aliases: Vec<(u32, u32)> = aliases.iter().map(|(a, b)| (*a.max(b), *a.min(b))).collect();
        // Every other question asks for a destination.
        let prepared = Prepared {
            masks: Vec::new(),
            rows_out: None,
            persons_out: out.as_ref().map(bits),
            reachable: (0..questions).map(|n| (n % 2 == 1).then_some(0)).collect(),
            at: vec![bits(&there)],
            today: 0,
        };
        let found = Found::new(PERSONS, questions);
        std::thread::scope(|scope| {
            for notes in notes.chunks(notes.len().div_ceil(threads).max(1)) {
                let found = &found;
                scope.spawn(move || {
                    let mut marks = Marks::new(found);
                    notes.iter().for_each(|(person, mask)| marks.note(*person, *mask));
                });
            }
        });
        let chunks = found.settle(&aliases);
        let sets = answers(&prepared, questions, &chunks, threads, &AtomicBool::new(false)).unwrap();

        let mut naive: HashMap<u32, u64> = HashMap::new();
        for (person, mask) in &notes {
            *naive.entry(*person).or_default() |= mask;
        }
        for (from, to) in aliases.iter().filter(|(from, to)| from != to) {
            let mask = naive.remove(from).unwrap_or(0);
            if *from < PERSONS {
                *naive.entry(*to).or_default() |= mask;
            }
        }
        let stays = |person: u32| person < PERSONS && !out.as_ref().is_some_and(|out| out.contains(&person));
        for (question, set) in sets.iter().enumerate() {
            let asked = |mask: u64| mask >> question & 1 == 1;
            let reached = |person: u32| question % 2 == 0 || there.contains(&person);
            let expected = naive.iter().filter(|(person, mask)| asked(**mask) && stays(**person) && reached(**person));
            let expected: BTreeSet<u32> = expected.map(|(person, _)| *person).collect();
            let listed: BTreeSet<u32> = (0..PERSONS + 64).filter(|person| set.contains(*person)).collect();
            prop_assert_eq!(listed, expected, "question {}", question);
        }
    }
}

#[test]
fn nobody_of_nobody_is_found() {
    let prepared = Prepared {
        masks: Vec::new(),
        rows_out: None,
        persons_out: None,
        reachable: vec![None],
        at: Vec::new(),
        today: 0,
    };
    let chunks = Found::new(0, 1).settle(&[]);
    let sets = answers(&prepared, 1, &chunks, 2, &AtomicBool::new(false)).unwrap();
    assert!(matches!(&sets[..], [set] if !set.contains(0)));
}
