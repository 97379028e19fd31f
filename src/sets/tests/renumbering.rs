//! Emissions on the disk, and their persons under the numbers of other sets.

use roaring::RoaringBitmap;
use tamis_protocols::release::Emitted;
use tamis_protocols::wire::batch::UploadMode::{Add, Full, Remove};

use super::*;
use crate::sets::changes::Fate;

fn emitted(persons: impl IntoIterator<Item = u32>) -> Emitted {
    let bitmap: RoaringBitmap = persons.into_iter().collect();
    let mut bytes = Vec::new();
    bitmap.serialize_into(&mut bytes).unwrap();
    Emitted::from_stored(&bytes).unwrap()
}

fn numbers(emitted: &Emitted) -> BTreeSet<u32> {
    let bitmap = RoaringBitmap::deserialize_from(emitted.to_stored().as_slice());
    bitmap.unwrap().iter().collect()
}

/// Who has each of the tokens that any row can carry, of those who are there.
fn owners(set: &SealedSet) -> BTreeMap<(usize, u32), BTreeSet<u32>> {
    let fate = Fate::of(set);
    let mut owners: BTreeMap<_, BTreeSet<u32>> = BTreeMap::new();
    for layer in set.layers() {
        let mut finder = Finder::new(layer.run());
        for (kind, n) in (0..3).flat_map(|kind| (0..40).map(move |n| (kind, n))) {
            let token = u128::from_be_bytes(token(kind, n).0);
            let note = |page: PageView<'_>, at: usize| {
                let now = fate.now(page.owner(at));
                owners.entry((kind, n)).or_default().extend(now);
            };
            finder.find(token, note).unwrap();
        }
    }
    owners
}

fn between(old: &SealedSet, new: &SealedSet) -> Renumbering {
    let never = AtomicBool::new(false);
    Renumbering::between(old, new, &never).unwrap().unwrap()
}

/// Whoever shares a token is the same; nobody else is.
fn follows_tokens(old: &SealedSet, new: &SealedSet) {
    let (before, after) = (owners(old), owners(new));
    let numbering = between(old, new);
    let mut image = BTreeSet::new();
    for person in 0..old.persons() {
        let shared = before.iter().filter(|(_, who)| who.contains(&person));
        let expected: BTreeSet<u32> = shared
            .flat_map(|(token, _)| after.get(token).into_iter().flatten().copied())
            .collect();
        assert_eq!(numbers(&numbering.apply(&emitted([person]))), expected);
        image.extend(expected);
    }
    let all = numbering.image();
    for person in 0..new.persons() + 70 {
        assert_eq!(all.contains(person), image.contains(&person), "{person}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn persons_are_followed_by_their_tokens_into_any_other_set(
        old in prop::collection::vec(any_row(2), 0..40),
        new in prop::collection::vec(any_row(2), 0..40),
        added in prop::collection::vec(any_row(2), 0..10),
        removed in prop::collection::vec(any_row(2), 0..3),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let places = ["first", "second"].map(|name| dir.path().join(name));
        let mut first = Growing::new(&places[0], graph(), 0);
        first.upload(Full, &old);
        let base = first.open();
        first.upload(Add, &added);
        first.upload(Remove, &removed);
        let changed = first.open();
        let mut second = Growing::new(&places[1], graph(), 0).apart(1);
        second.upload(Full, &new);
        let other = second.open();
        // On the same layers, to another upload, and back.
        follows_tokens(&changed, &other);
        follows_tokens(&other, &changed);
        follows_tokens(&base, &other);
    }
}

#[test]
fn on_the_layers_of_the_old_set_numbers_stay_and_only_aliases_move() {
    let dir = tempfile::tempdir().unwrap();
    let mut set = Growing::new(dir.path(), graph(), 0);
    let pair = |email, phone| TestRow {
        identifiers: [Some(email), Some(phone), None],
        ..row(0)
    };
    set.upload(Full, &[pair(1, 1), pair(2, 2), pair(3, 3)]);
    let old = set.open();
    set.upload(Add, &[pair(1, 2)]);
    set.upload(Remove, &[pair(3, 3)]);
    let new = set.open();
    let (from, to) = new.aliases()[0];
    let numbering = between(&old, &new);
    assert_eq!(numbers(&numbering.apply(&emitted([from]))), [to].into());
    assert_eq!(numbers(&numbering.apply(&emitted(0..3))), [to].into());
}

#[test]
fn renumbering_ends_soon_when_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let sets = [1, 2].map(|rows| {
        let place = dir.path().join(rows.to_string());
        let mut set = Growing::new(&place, graph(), 0);
        set.upload(Full, &(0..rows).map(row).collect::<Vec<_>>());
        set.open()
    });
    let cancelled = AtomicBool::new(true);
    let none = Renumbering::between(&sets[0], &sets[1], &cancelled).unwrap();
    assert!(none.is_none());
}

#[test]
fn an_emission_is_read_back_and_any_flipped_byte_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e");
    let emission = Emission {
        emitted: emitted((0..3000).step_by(3)),
        chosen: emitted([1, 70_000]),
    };
    write_emission(&path, &key(), "emission/1", &emission).unwrap();
    let back = read_emission(&path, &key(), "emission/1").unwrap();
    assert_eq!(numbers(&back.emitted), numbers(&emission.emitted));
    assert_eq!(numbers(&back.chosen), numbers(&emission.chosen));
    assert!(read_emission(&path, &key(), "emission/2").is_err());
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(7) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fs::write(&path, flipped).unwrap();
        assert!(read_emission(&path, &key(), "emission/1").is_err(), "{at}");
    }
}

#[test]
fn reach_is_everybody_with_a_valid_row_and_a_cookie_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut set = Growing::new(dir.path(), graph(), 0);
    let rows: Vec<TestRow> = (0..40).map(row).collect();
    set.upload(Full, &rows);
    set.upload(Remove, &rows[10..12]);
    let open = set.open();
    let names: Vec<String> = graph().labels.keys().cloned().collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let never = AtomicBool::new(false);
    let out = rows[20].tokens();
    let reach = reach(&open, &names, AS_OF, &out, &never).unwrap().unwrap();
    let owners = owners(&open);
    let gone: BTreeSet<u32> = [10, 20].map(|n| n / 2).into();
    for n in 0..20 {
        // Two rows share a phone number: one person, with a cookie of the even row at the second place.
        let Some(person) = owners.get(&(1, n)).and_then(|who| who.first()) else {
            assert!(gone.contains(&n));
            continue;
        };
        let there = !gone.contains(&n);
        assert_eq!(reach.persons.contains(*person), there, "{n}");
        assert!(
            reach.at.iter().all(|at| at.contains(*person) == there),
            "{n}"
        );
    }
    let later = AS_OF.saturating_add(jiff::Span::new().years(5));
    let nobody = super::super::reach(&open, &names, later, &[], &never)
        .unwrap()
        .unwrap();
    assert!((0..open.persons()).all(|person| !nobody.persons.contains(person)));
}
