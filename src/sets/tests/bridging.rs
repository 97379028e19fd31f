//! Sets whose rows carry tokens of two collaborations.

use tamis_protocols::release::Emitted;
use tamis_protocols::wire::batch::WireHeader;

use super::*;

/// A graph of a later collaboration, which leads over to that of [`graph`] or is alone.
fn later(bridges: bool) -> WireHeader {
    WireHeader {
        collaboration: "fedcba9876543210fedcba9876543210".to_owned(),
        bridge: bridges.then(|| graph().collaboration),
        ..graph()
    }
}

/// The persons of a set whose token `n` of the first type, under one of the keys, is in its run.
fn owners(set: &SealedSet, under: impl Fn(Token) -> Token, numbers: &[u32]) -> Vec<Option<u32>> {
    let run = set.layers()[0].run();
    let mut known = BTreeMap::new();
    let mut window = run::Window::new(run);
    for page in 0..run.index().len() {
        window.aim(page..page + 1);
        window.read().unwrap();
        let view = window.page(0).unwrap();
        for i in 0..view.len() {
            known.insert(view.tokens.get(i), view.owner(i));
        }
    }
    let owner = |n: &u32| {
        known
            .get(&u128::from_be_bytes(under(token(0, *n)).0))
            .copied()
    };
    numbers.iter().map(owner).collect()
}

/// Somebody with an identifier of the first type; every second one shares the third with the one before.
fn somebody(n: u32) -> TestRow {
    TestRow {
        identifiers: [Some(n), None, Some(n / 2)],
        given: Some(AS_OF),
        opposed: false,
        segments: Vec::new(),
        cookies: vec![Some(n as u8), None],
    }
}

#[test]
fn a_person_is_found_by_tokens_of_both_collaborations() {
    let dir = tempfile::tempdir().unwrap();
    let mut rows: Vec<TestRow> = (0..40).map(somebody).collect();
    rows[7].opposed = true;
    // In this file the tokens of `graph` are the bridged ones: `later` makes its own with another key.
    let set = sealed(&later(true), &rows, &dir.path().join("set"), "s", 1 << 20);
    assert_eq!(set.persons(), 20);
    let all: Vec<u32> = (0..40).collect();
    let own = owners(&set, |token| token, &all);
    assert_eq!(own, owners(&set, elsewhere, &all));
    assert_eq!(own[7], None, "a row that is not let in has no token at all");
    assert!((0..20).all(|n| n == 3 || (own[2 * n].is_some() && own[2 * n] == own[2 * n + 1])));
}

#[test]
fn a_bridged_set_leads_from_the_persons_of_one_key_to_those_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let rows = |numbers: std::ops::Range<u32>| numbers.map(somebody).collect::<Vec<_>>();
    let none = AtomicBool::new(false);
    let at = |name: &str| dir.path().join(name);
    // Told under the second key; the bridge carries both, and what follows the first alone.
    let old = {
        let bytes = under_the_other_key(&rows(0..60));
        seal_bytes(bytes, &graph(), &at("old"), "old", 1 << 20).unwrap();
        SealedSet::open(&at("old"), &key(), "old").unwrap()
    };
    let mut turned = rows(0..80);
    turned.reverse();
    let bridge = sealed(&later(true), &turned, &at("bridge"), "bridge", 1 << 20);
    let new = sealed(&later(false), &rows(10..80), &at("new"), "new", 1 << 20);

    let way = |from, to| Renumbering::between(from, to, &none).unwrap().unwrap();
    let persons = |set: &SealedSet, found: &PersonSet| -> Vec<u32> {
        let all = 0..set.persons();
        all.filter(|person| found.contains(*person)).collect()
    };
    let unbridged = way(&old, &new).image();
    assert!(persons(&new, &unbridged).is_empty());
    let (over, on) = (way(&old, &bridge), way(&bridge, &new));
    assert_eq!(persons(&bridge, &over.image()).len(), 30);

    // Identifiers 6 and 40: who has the first is not in the new set, who has the second is.
    let [gone, stayed] = owners(&old, elsewhere, &[6, 40])[..] else {
        panic!("two were asked for");
    };
    let told = emitted(&[gone.unwrap(), stayed.unwrap()]);
    let found = on.apply(&over.apply(&told));
    let here = owners(&new, |token| token, &[6, 40]);
    assert_eq!(here[0], None);
    assert_eq!(persons(&new, found.persons()), [here[1].unwrap()]);
}

#[test]
fn a_stream_that_bridges_otherwise_than_announced_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let rows = [somebody(1)];
    let other = || Some("0".repeat(31) + "1");
    let announced = |stream: WireHeader, bridge: Option<String>| {
        let expect = WireHeader {
            bridge,
            ..stream.clone()
        };
        let bytes = encode(&stream, &rows, 1);
        let refused = seal_bytes(bytes, &expect, &dir.path().join("set"), "s", 1 << 20);
        refused.unwrap_err().to_string()
    };
    let old = graph().collaboration;
    assert_eq!(
        announced(later(true), None),
        format!(
            "the rows carry tokens of {old} too; the upload was announced with no other \
             collaboration's tokens"
        )
    );
    let said = announced(later(false), Some(old.clone()));
    assert!(said.starts_with("the rows carry no other collaboration's tokens; "));
    assert!(announced(later(true), other()).contains(&old));
    assert!(names(dir.path()).is_empty());
}

/// Few persons, as the portable roaring format writes them: one container of an array.
fn emitted(persons: &[u32]) -> Emitted {
    let mut bytes = Vec::new();
    for word in [12_346, 1, (persons.len() as u32 - 1) << 16, 16] {
        bytes.extend(u32::to_le_bytes(word));
    }
    let mut persons = persons.to_vec();
    persons.sort_unstable();
    persons
        .iter()
        .for_each(|person| bytes.extend((*person as u16).to_le_bytes()));
    Emitted::from_stored(&bytes).unwrap()
}

/// An upload of `graph` whose tokens are those that [`encode`] bridges.
fn under_the_other_key(rows: &[TestRow]) -> Vec<u8> {
    encode_with(&graph(), rows, 1, |token| (elsewhere(token), None))
}
