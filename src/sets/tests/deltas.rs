//! Layers on top of each other: what belongs together, what a delta changes, what a compaction leaves.

use tamis_protocols::wire::batch::UploadMode::{Add, Full, Remove};

use super::*;
use crate::sets::layer::Layer;
use crate::sets::run::Finder;

fn rows(numbers: std::ops::Range<u32>) -> Vec<TestRow> {
    numbers.map(row).collect()
}

/// A row of one identifier of each of two types.
fn pair(email: u32, phone: u32) -> TestRow {
    TestRow {
        identifiers: [Some(email), Some(phone), None],
        ..row(0)
    }
}

/// Every token of a set with its owner and day, of those who are there.
fn tokens(set: &SealedSet, numbers: std::ops::Range<u32>) -> BTreeSet<(u128, u32, u16)> {
    let fate = crate::sets::changes::Fate::of(set);
    let mut found = BTreeMap::new();
    for (layer, kind, n) in set
        .layers()
        .iter()
        .flat_map(|layer| (0..2).map(move |kind| (layer, kind)))
        .flat_map(|(layer, kind)| numbers.clone().map(move |n| (layer, kind, n)))
    {
        let token = u128::from_be_bytes(token(kind, n).0);
        let note = |page: PageView<'_>, at: usize| {
            if let Some(owner) = fate.now(page.owner(at)) {
                let day = found.entry((token, owner)).or_insert(0);
                *day = page.day(at).max(*day);
            }
        };
        Finder::new(layer.run()).find(token, note).unwrap();
    }
    found
        .into_iter()
        .map(|((token, owner), day)| (token, owner, day))
        .collect()
}

#[test]
fn an_addition_joins_persons_and_numbers_the_new_ones_behind_the_old() {
    let dir = tempfile::tempdir().unwrap();
    let mut set = Growing::new(dir.path(), graph(), 0);
    set.upload(Full, &[pair(1, 1), pair(2, 2), pair(3, 3)]);
    assert_eq!(set.open().persons(), 3);
    // One row knows two persons, one is known by a single token, two share a new one.
    set.upload(Add, &[pair(1, 2), pair(3, 13), pair(14, 15), pair(16, 15)]);
    let open = set.open();
    assert_eq!(open.persons(), 4);
    assert_eq!(open.report().persons, Some(1));
    assert_eq!(open.aliases().len(), 1);
    let (from, to) = open.aliases()[0];
    assert!(to < from && from < 3);
    let before = tokens(&open, 0..20);
    let owners: BTreeSet<u32> = before.iter().map(|(_, owner, _)| *owner).collect();
    assert_eq!((before.len(), owners.len()), (10, 3));
    let weight = open.delta_weight();
    assert_eq!((weight.layers, weight.gone), (1, 0.0));
    assert!((weight.rows - 4.0 / 3.0).abs() < 1e-9);

    // The person that two became leaves by any of its tokens, and nobody else.
    set.upload(Remove, &[pair(2, 99)]);
    let left = tokens(&set.open(), 0..20);
    assert_eq!(left.len(), 6);
    assert!(left.iter().all(|(_, owner, _)| *owner != to));
    assert!((set.open().delta_weight().gone - 1.0 / 3.0).abs() < 1e-9);
    // A token of somebody who is gone is unknown: whoever brings it is new.
    set.upload(Add, &[pair(1, 98)]);
    assert_eq!(set.open().persons(), 5);
    assert_eq!(tokens(&set.open(), 0..20).len(), 7);

    set.compact();
    let compacted = set.open();
    assert_eq!((compacted.layers().len(), compacted.persons()), (1, 3));
    assert_eq!((compacted.id(), compacted.rows()), ("graph-3", 9));
    assert_eq!(tokens(&compacted, 0..20).len(), 7);
    assert_eq!(compacted.delta_weight().layers, 0);
}

#[test]
fn persons_of_a_compacted_set_are_in_the_order_of_their_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let mut set = Growing::new(dir.path(), graph(), 0);
    set.upload(Full, &rows(0..1500));
    set.upload(Add, &rows(1000..3000));
    set.upload(Remove, &rows(500..700));
    let before = tokens(&set.open(), 0..3000);
    set.compact();
    let after = tokens(&set.open(), 0..3000);
    let mut seen = 0;
    for (_, person, _) in &after {
        assert!(*person <= seen);
        seen = seen.max(*person + 1);
    }
    assert_eq!(seen, set.open().persons());
    let days = |found: &BTreeSet<(u128, u32, u16)>| -> Vec<(u128, u16)> {
        found.iter().map(|(token, _, day)| (*token, *day)).collect()
    };
    assert_eq!(days(&before), days(&after));
}

#[test]
fn a_layer_belongs_on_the_very_layer_it_was_made_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut set = Growing::new(dir.path(), graph(), 0);
    set.upload(Full, &rows(0..50));
    set.upload(Add, &rows(40..60));
    set.upload(Remove, &rows(3..5));
    let open = |n: u32| {
        let id = format!("graph-{n}");
        Layer::open(&dir.path().join(&id), &key(), &id).unwrap()
    };
    let refused = |layers: Vec<Layer>| {
        let error = SealedSet::stacked(layers).err().unwrap().to_string();
        assert!(
            error.ends_with("was not made on top of this set"),
            "{error}"
        );
    };
    assert_eq!(open(2).parent(), Some("graph-1"));
    refused(vec![open(1)]);
    refused(vec![open(0), open(2)]);
    refused(vec![open(0), open(1), open(1)]);
    refused(vec![open(0), open(0)]);
    refused(vec![open(0), open(2), open(1)]);
    assert!(SealedSet::stacked(Vec::new()).is_err());
    assert!(SealedSet::open(&dir.path().join("graph-1"), &key(), "graph-1").is_err());

    // Neither on the compacted form of the same set, nor on a base that was sealed anew.
    let top = open(2);
    set.compact();
    let compact = dir.path().join("graph-2.compact");
    assert!(SealedSet::compacted(&compact, &key(), "graph-2").is_ok());
    assert!(SealedSet::open(&compact, &key(), "graph-2").is_err());
    assert!(SealedSet::compacted(&compact, &key(), "graph-1").is_err());
    set.upload(Add, &rows(0..1));
    refused(vec![open(0), open(1), top, open(3)]);
    let base = dir.path().join("graph-0");
    fs::remove_dir_all(&base).unwrap();
    let bytes = encode(&graph(), &rows(0..50), 0);
    seal_bytes(bytes, &graph(), &base, "graph-0", 0).unwrap();
    assert!(SealedSet::open(&base, &key(), "graph-0").is_ok());
    refused(vec![open(0), open(1), open(2)]);
}

#[test]
fn damage_in_any_file_of_a_delta_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    for (header, kind) in [(graph(), "graph"), (crm(), "crm")] {
        let mut set = Growing::new(dir.path(), header, 0);
        set.upload(Full, &rows(0..200));
        set.upload(
            Add,
            &[rows(150..300), vec![pair(1, 9), pair(8, 30)]].concat(),
        );
        set.upload(Remove, &rows(20..30));
        set.compact();
        let open = |n: u32| {
            let id = format!("{kind}-{n}");
            Layer::open(&dir.path().join(&id), &key(), &id)
        };
        let check = || {
            SealedSet::stacked(vec![open(0)?, open(1)?, open(2)?])?.verify()?;
            let compact = dir.path().join(format!("{kind}-2.compact"));
            SealedSet::compacted(&compact, &key(), &format!("{kind}-2"))?.verify()
        };
        check().unwrap();
        for layer in ["1", "2", "2.compact"] {
            let path = dir.path().join(format!("{kind}-{layer}"));
            for name in names(&path) {
                let file = path.join(&name);
                let good = fs::read(&file).unwrap();
                let attack = |bytes: &[u8]| {
                    fs::write(&file, bytes).unwrap();
                    let error = check().unwrap_err().to_string();
                    let named = format!("{kind}-{layer}/{name}: ");
                    assert!(error.starts_with(&named), "{named}{error}");
                };
                for at in (0..good.len()).step_by(good.len() / 20 + 1) {
                    let mut bytes = good.clone();
                    bytes[at] ^= 0x10;
                    attack(&bytes);
                }
                attack(&good[..good.len() - 1]);
                attack(&[&good[..], &[0; 16]].concat());
                fs::remove_file(&file).unwrap();
                let error = check().unwrap_err().to_string();
                assert!(error.starts_with(&format!("{kind}-{layer}/{name}: ")));
                fs::write(&file, good).unwrap();
            }
        }
        check().unwrap();
    }
}

#[test]
fn a_cancelled_or_failing_compaction_leaves_nothing_and_a_finished_one_is_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let mut growing = Growing::new(dir.path(), graph(), 0);
    growing.upload(Full, &rows(0..3000));
    growing.upload(Add, &rows(2900..3100));
    let set = growing.open();
    let before = names(dir.path());
    let target = dir.path().join("graph-1.compact");
    let (key, entropy) = (key(), Seeded::new(9));
    let run = |cancel: &AtomicBool, progress: &(dyn Fn(f64) + Sync)| {
        compact(CompactJob {
            set: &set,
            dir: &target,
            key: &key,
            entropy: &entropy,
            progress,
            cancel,
        })
    };
    let cancel = AtomicBool::new(false);
    let half = |done: f64| cancel.store(done > 0.3, Ordering::Relaxed);
    assert!(matches!(run(&cancel, &half), Err(SealError::Cancelled)));
    assert_eq!(names(dir.path()), before);
    // The directory vanishes under it, and a layer below is damaged: the cause is what is told.
    let calm = AtomicBool::new(false);
    let vanish = |_: f64| {
        let _ = fs::remove_dir_all(dir.path().join("graph-1.compact.tmp"));
    };
    assert!(matches!(
        run(&calm, &vanish),
        Err(SealError::Set(SetError::Io { .. }))
    ));
    let file = dir.path().join("graph-1/rows");
    let good = fs::read(&file).unwrap();
    let mut bytes = good.clone();
    bytes[40] ^= 1;
    fs::write(&file, bytes).unwrap();
    let error = run(&calm, &|_| {}).unwrap_err().to_string();
    assert!(error.starts_with("graph-1/rows: "), "{error}");
    fs::write(&file, good).unwrap();
    assert_eq!(names(dir.path()), before);

    // What an earlier attempt left, and a whole layer under a key that was never stored.
    fs::create_dir_all(dir.path().join("graph-1.compact.tmp/old")).unwrap();
    fs::create_dir(&target).unwrap();
    let last = std::sync::Mutex::new(0.0f64);
    let progress = |done: f64| {
        let mut last = last.lock().unwrap();
        *last = last.max(done);
    };
    run(&calm, &progress).unwrap();
    assert!(*last.lock().unwrap() > 0.99);
    let header = fs::read(target.join("header")).unwrap();
    run(&calm, &|_| {}).unwrap();
    assert_eq!(fs::read(target.join("header")).unwrap(), header);
    assert_eq!(names(dir.path()).len(), before.len() + 1);
    SealedSet::compacted(&target, &key, "graph-1").unwrap();
}

#[test]
fn combinations_beyond_the_dictionary_become_rare_rows() {
    let dir = tempfile::tempdir().unwrap();
    let mut header = crm();
    header.segments = (0..20).map(|n| format!("x={n}")).collect();
    let combined = |from: u32, n: u32| TestRow {
        identifiers: [Some(from + n), None, None],
        segments: (0..20).filter(|bit| n >> bit & 1 == 1).collect(),
        ..row(0)
    };
    let mut set = Growing::new(dir.path(), header, 1 << 22);
    // All 65,535 classes and some rare rows; then further combinations, in a small layer that has room.
    let most: Vec<TestRow> = (0..65_545).map(|n| combined(0, n)).collect();
    set.upload(Full, &most);
    let more: Vec<TestRow> = (65_540..65_560).map(|n| combined(100_000, n)).collect();
    set.upload(Add, &more);
    set.upload(Remove, &[combined(0, 65_541), combined(100_000, 65_550)]);
    let labelled = |set: &SealedSet| {
        let mut found = BTreeMap::new();
        for layer in set.layers() {
            let (classes, mut rare) = (layer.classes().unwrap(), BTreeMap::new());
            if let Some(mut rows) = layer.rare_rows() {
                while let Some((row, segments)) = rows.next().unwrap() {
                    assert!(rare.last_key_value().is_none_or(|(last, _)| *last < row));
                    rare.insert(row, segments.to_vec());
                }
            }
            let mut window = Window::new(layer.run());
            for page in 0..layer.run().index().len() {
                window.aim(page..page + 1);
                let view = window.page(0).unwrap();
                for at in 0..view.len() {
                    let (row, class) = (view.owner(at), view.class(at));
                    let segments = match class {
                        RARE => rare[&row].clone(),
                        class => classes[usize::from(class)].clone(),
                    };
                    let row = layer.first_row() + row;
                    if !set.gone().contains(row) {
                        let labels = segments
                            .iter()
                            .map(|at| &layer.segments()[usize::from(*at)]);
                        let labels: BTreeSet<String> = labels.cloned().collect();
                        assert!(found.insert(row, labels).is_none());
                    }
                }
            }
        }
        found
    };
    let before = labelled(&set.open());
    assert_eq!(before.len(), 65_545 + 20 - 2);
    set.compact();
    assert_eq!(labelled(&set.open()), before);
    assert!(set.open().layers()[0].rare_rows().is_some());
}
