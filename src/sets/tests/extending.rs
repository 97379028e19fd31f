//! What a delta finds in the set below it, and when it is refused.

use tamis_protocols::wire::batch::UploadMode::{self, Add, Full, Refresh, Remove};
use tamis_protocols::wire::batch::WireHeader;

use super::*;
use crate::sets::layer::Layer;

fn single(email: u32) -> TestRow {
    TestRow {
        identifiers: [Some(email), None, None],
        ..row(0)
    }
}

#[test]
fn everybody_with_a_token_is_found_however_many_pages_they_fill() {
    let dir = tempfile::tempdir().unwrap();
    let mut set = Growing::new(dir.path(), crm(), 1 << 22);
    // One token fills more pages than are looked at together, others stand around it.
    let many: Vec<TestRow> = (0..50_000).map(|n| single(n % 20_000 % 10_001)).collect();
    let expected = |gone: &dyn Fn(u32) -> bool| -> u64 {
        let numbers = many.iter().filter_map(|row| row.identifiers[0]);
        numbers.filter(|n| gone(*n)).count() as u64
    };
    set.upload(Full, &many);
    let crowd: Vec<TestRow> = (0..20_000).map(|_| single(10_001)).collect();
    set.upload(Add, &crowd);
    set.upload(Remove, &[single(10_001), single(3), single(99_999)]);
    let gone = set.open().gone().clone();
    assert_eq!(gone.len(), 20_000 + expected(&|n| n == 3));
    // Who is gone is not found again; the next ones are, in all layers.
    set.upload(Add, &[single(3), single(4)]);
    set.upload(
        Remove,
        &(0..5_000).map(|n| single(2 * n)).collect::<Vec<_>>(),
    );
    let all = set.open().gone().clone();
    assert_eq!(
        all.len() - gone.len(),
        expected(&|n| n < 10_000 && n % 2 == 0) + 1
    );
    assert!(gone.is_subset(&all));
}

#[test]
fn few_tokens_are_found_among_many_and_many_among_few() {
    let dir = tempfile::tempdir().unwrap();
    let mut set = Growing::new(dir.path(), graph(), 1 << 22);
    set.upload(Full, &(0..40_000).map(single).collect::<Vec<_>>());
    set.upload(Add, &(39_990..40_010).map(single).collect::<Vec<_>>());
    assert_eq!(set.open().persons(), 40_010);
    set.upload(Add, &(0..80_000).map(single).collect::<Vec<_>>());
    assert_eq!(set.open().persons(), 80_000);
    assert!(set.open().aliases().is_empty());
    let removed: Vec<TestRow> = (0..200).map(|n| single(n * 401)).collect();
    set.upload(Remove, &removed);
    assert_eq!(set.open().gone().len(), 200);
}

#[test]
fn a_delta_extends_a_set_of_its_own_kind_or_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    let base = sealed(&graph(), &[row(1)], &dir.path().join("g"), "g", 0);
    let other = sealed(&crm(), &[row(1)], &dir.path().join("c"), "c", 0);
    let mut next = graph();
    next.epoch = 2;
    let next = sealed(&next, &[row(1)], &dir.path().join("n"), "n", 0);
    let before = names(dir.path());
    let refusals: [(UploadMode, UploadMode, Option<&SealedSet>, &str); 8] = [
        (Add, Add, None, "send a full upload first"),
        (Remove, Remove, None, "send a full upload first"),
        (Refresh, Refresh, None, "send a full upload first"),
        (Refresh, Add, Some(&base), "taken as `refresh`"),
        (Full, Full, Some(&base), "extends no set"),
        (Add, Remove, Some(&base), "taken as `add`"),
        (Add, Add, Some(&other), "not of this side"),
        (Add, Add, Some(&next), "another epoch"),
    ];
    for (mode, expected, parent, words) in refusals {
        let (key, entropy, cancel) = (key(), Seeded::new(1), AtomicBool::new(false));
        let target = dir.path().join("s");
        let mut header = WireHeader { mode, ..graph() };
        if mode == Remove {
            header.labels.clear();
        }
        let mut job = job(
            encode(&header, &[row(1)], 1),
            &target,
            &key,
            &entropy,
            &cancel,
        );
        (job.expect.mode, job.parent) = (expected, parent);
        let error = seal(job).unwrap_err();
        assert!(
            matches!(&error, SealError::Refused(text) if text.contains(words)),
            "{error}"
        );
        assert_eq!(names(dir.path()), before);
    }
}

#[test]
fn a_layer_of_an_earlier_run_is_taken_only_on_the_set_it_was_made_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut set = Growing::new(dir.path(), graph(), 0);
    set.upload(Full, &[row(1), row(5)]);
    set.upload(Add, &[row(2)]);
    let (header, target) = (
        WireHeader {
            mode: Add,
            ..graph()
        },
        dir.path().join("s"),
    );
    let run = |set: &SealedSet, bytes: Vec<u8>, seed: u64| {
        let (key, entropy, cancel) = (key(), Seeded::new(seed), AtomicBool::new(false));
        let mut job = job(bytes, &target, &key, &entropy, &cancel);
        (job.expect.mode, job.parent) = (Add, Some(set));
        seal(job).unwrap();
        fs::read(target.join("header")).unwrap()
    };
    let bytes = encode(&header, &[row(2), row(9)], 1);
    let stacked = set.open();
    let first = run(&stacked, bytes.clone(), 1);
    assert_eq!(run(&stacked, Vec::new(), 2), first);
    // The set was compacted before anybody heard of the layer.
    set.compact();
    let compacted = set.open();
    assert_ne!(run(&compacted, bytes, 3), first);
    let layer = Layer::open(&target, &key(), "s").unwrap();
    assert!(layer.lies_on(compacted.layers().last()));
    assert_eq!(names(dir.path()).len(), 4);
}

#[test]
fn a_removal_needs_no_consent_and_its_own_rows_are_nobodys() {
    let dir = tempfile::tempdir().unwrap();
    for header in [crm(), graph()] {
        let mut set = Growing::new(dir.path(), header, 0);
        set.upload(Full, &[row(2), row(7)]);
        let refused = TestRow {
            given: None,
            opposed: true,
            ..row(2)
        };
        let empty = TestRow {
            identifiers: [None; 3],
            ..row(0)
        };
        set.upload(Remove, &[refused, empty, single(50)]);
        let set = set.open();
        let report = set.report();
        assert_eq!((report.rows, report.accepted), (3, 2));
        assert_eq!(
            report.dropped,
            BTreeMap::from([("no_identifier".to_owned(), 1)])
        );
        assert_eq!((set.gone().len(), set.rows()), (1, 5));
        assert_eq!(set.layers()[1].run().index().len(), 0);
        set.verify().unwrap();
    }
}

#[test]
fn a_refresh_takes_out_also_whom_only_rows_that_are_not_let_in_name() {
    let dir = tempfile::tempdir().unwrap();
    for header in [crm(), graph()] {
        for memory in [0, 1 << 22] {
            let mut set = Growing::new(dir.path(), header.clone(), memory);
            set.upload(Full, &(0..10).map(single).collect::<Vec<_>>());
            let refused = TestRow {
                given: None,
                ..single(3)
            };
            set.upload(Refresh, &[refused.clone(), single(4), single(50)]);
            let open = set.open();
            assert_eq!((open.gone().len(), open.rows()), (2, 13));
            let report = open.report();
            assert_eq!((report.rows, report.accepted), (3, 2));
            let graph = header.kind.as_str() == "graph";
            assert_eq!(report.persons, graph.then_some(2));
            assert!(open.aliases().is_empty());
            // Nobody who came with it is taken out by it, and whoever did may be the next time.
            set.upload(Refresh, &[single(50), refused]);
            assert_eq!(set.open().gone().len(), 3);
            let deltas = set.open().delta_weight();
            assert_eq!((deltas.layers, deltas.gone), (2, 0.3));
            set.open().verify().unwrap();
            fs::remove_dir_all(dir.path()).unwrap();
            fs::create_dir(dir.path()).unwrap();
        }
    }
}
