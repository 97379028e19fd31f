#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use proptest::prelude::*;
use tamis_protocols::consent::{RootBuilder, commitment};
use tamis_protocols::intersection::PersonSet;
use tamis_protocols::token::Token;

use super::members::{Change, MemberFile};
use super::sort::Sorter;
use super::testing::*;
use super::*;

fn row(n: u32) -> TestRow {
    TestRow {
        identifiers: [Some(n), Some(n / 2), None],
        given: Some(AS_OF),
        opposed: false,
        segments: vec![(n % 3) as u16],
        cookies: vec![Some((n % 250) as u8), n.is_multiple_of(2).then_some(1)],
    }
}

fn job<'a>(
    bytes: Vec<u8>,
    dir: &'a Path,
    key: &'a tamis_keys::Secret<tamis_keys::purpose::Data>,
    entropy: &'a Seeded,
    cancel: &'a AtomicBool,
) -> SealJob<'a> {
    SealJob {
        source: Box::new(Cursor::new(bytes)),
        dir,
        key,
        set_id: "s",
        expect: expectation(&graph()),
        memory: 1 << 20,
        entropy,
        progress: &|_| {},
        cancel,
    }
}

/// Names in a directory.
fn names(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn the_report_counts_every_row_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut rows: Vec<TestRow> = (0..10).map(row).collect();
    rows[1].opposed = true;
    rows[2].given = None;
    rows[3].identifiers = [None; 3];
    rows[4].given = Some(jiff::civil::date(2020, 1, 1));
    let set = sealed(&crm(), &rows, &dir.path().join("s"), "s", 0);
    let report = set.report();
    assert_eq!(
        (report.rows, report.accepted, report.persons),
        (10, 6, None)
    );
    assert_eq!(report.dropped.values().sum::<u64>(), 4);
    assert_eq!(report.dropped.len(), 4);
    assert_eq!(report.dropped["no_identifier"], 1);
    let expected =
        [("x=a", 3), ("x=b", 1), ("y=a", 2)].map(|(label, rows)| (label.to_owned(), rows));
    assert_eq!(report.segments, BTreeMap::from(expected));
    let graph = sealed(&graph(), &rows, &dir.path().join("g"), "g", 0);
    // Row 0 shares its phone with the opposed row 1 only; 5 and 4, 3 and 2 likewise; 6–7 and 8–9 pair.
    assert_eq!(graph.report().persons, Some(4));
    assert!(graph.report().segments.is_empty());
}

#[test]
fn the_consent_root_commits_to_all_rows_in_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut rows: Vec<TestRow> = (0..3_000).map(row).collect();
    rows[7].opposed = true;
    let set = sealed(&graph(), &rows, &dir.path().join("s"), "s", 0);
    let mut root = RootBuilder::new();
    for (n, row) in (0..).zip(&rows) {
        root.push(commitment(&set.salt(n).unwrap(), &row.consent()));
    }
    assert_eq!(set.report().consent_root, hex::encode(root.finish()));
    assert_ne!(set.salt(0).unwrap(), set.salt(1).unwrap());
    assert!(set.salt(3_000).is_err());
}

#[test]
fn empty_uploads_are_sealed_and_have_nobody() {
    let dir = tempfile::tempdir().unwrap();
    for (header, id) in [(crm(), "c"), (graph(), "g")] {
        let set = sealed(&header, &[], &dir.path().join(id), id, 0);
        assert_eq!((set.rows(), set.persons()), (0, 0));
        set.verify().unwrap();
    }
}

#[test]
fn nothing_but_the_set_is_left_and_no_file_is_readable_by_others() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let rows: Vec<TestRow> = (0..3_000).map(row).collect();
    sealed(&graph(), &rows, &dir.path().join("s"), "s", 0);
    assert_eq!(names(dir.path()), BTreeSet::from(["s".to_owned()]));
    let expected = [
        "cookies.0",
        "cookies.1",
        "header",
        "persons",
        "rows",
        "salts",
        "tokens",
        "tokens.index",
    ];
    assert_eq!(
        names(&dir.path().join("s")),
        expected.map(str::to_owned).into()
    );
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir.path().join("s")), 0o700);
    assert_eq!(mode(&dir.path().join("s/tokens")), 0o600);
}

#[test]
fn what_is_not_expected_is_refused_in_words_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = encode(&graph(), &[row(1)], 1);
    type Edit = fn(&mut Expectation);
    let refusals: [(Edit, &str); 6] = [
        (
            |e| e.kind = tamis_protocols::wire::batch::UploadKind::Crm,
            "this is a graph upload",
        ),
        (
            |e| e.collaboration = "ff".repeat(16),
            "another collaboration",
        ),
        (|e| e.epoch = 3, "epoch 3"),
        (|e| e.identifiers.truncate(1), "do not include `phone`"),
        (
            |e| e.destinations.truncate(1),
            "do not include the destination `dsp-a`",
        ),
        (|e| e.destinations[0].1 = true, "`dmp-b` must be sealed"),
    ];
    let (key, entropy, cancel) = (key(), Seeded::new(1), AtomicBool::new(false));
    for (change, words) in refusals {
        let target = dir.path().join("s");
        let mut job = job(bytes.clone(), &target, &key, &entropy, &cancel);
        change(&mut job.expect);
        let error = seal(job).unwrap_err();
        assert!(
            matches!(&error, SealError::Refused(text) if text.contains(words)),
            "{error}"
        );
        assert!(names(dir.path()).is_empty());
    }
    for cut in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        let target = dir.path().join("s");
        let error = seal(job(bytes[..cut].to_vec(), &target, &key, &entropy, &cancel)).unwrap_err();
        assert!(matches!(&error, SealError::Refused(text) if text.contains("ends in the middle")));
        assert!(names(dir.path()).is_empty());
    }
}

#[test]
fn a_failing_source_a_failing_disk_or_a_cancel_leaves_nothing() {
    struct Failing(Cursor<Vec<u8>>);
    impl Read for Failing {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            match self.0.read(out)? {
                0 => Err(io::Error::other("sector")),
                read => Ok(read),
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("s");
    let (key, entropy) = (key(), Seeded::new(1));
    let bytes = encode(&graph(), &(0..5_000).map(row).collect::<Vec<_>>(), 1);
    let running = AtomicBool::new(false);
    let mut failing = job(vec![], &target, &key, &entropy, &running);
    failing.source = Box::new(Failing(Cursor::new(bytes[..bytes.len() / 2].to_vec())));
    assert!(matches!(seal(failing).unwrap_err(), SealError::Source(_)));
    assert!(names(dir.path()).is_empty());

    let rows = AtomicU64::new(0);
    let progress = |read: u64| {
        rows.store(read, Ordering::Relaxed);
        running.store(true, Ordering::Relaxed);
    };
    let mut cancelled = job(bytes.clone(), &target, &key, &entropy, &running);
    cancelled.progress = &progress;
    assert!(matches!(seal(cancelled).unwrap_err(), SealError::Cancelled));
    assert_eq!(rows.load(Ordering::Relaxed), 1_000);
    assert!(names(dir.path()).is_empty());

    // The directory vanishes under the job: what the disk says is passed on, with the file's name.
    let calm = AtomicBool::new(false);
    let gone = |_| {
        let _ = fs::remove_dir_all(dir.path().join("s.tmp"));
    };
    let mut broken = job(bytes, &target, &key, &entropy, &calm);
    broken.progress = &gone;
    let error = seal(broken).unwrap_err();
    assert!(
        matches!(&error, SealError::Set(SetError::Io { file, .. }) if file.starts_with("s.tmp/")),
        "{error}"
    );
    assert!(names(dir.path()).is_empty());
}

#[test]
fn a_crash_before_or_after_the_rename_is_made_good_by_the_next_attempt() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("s");
    fs::create_dir_all(dir.path().join("s.tmp/old")).unwrap();
    let rows: Vec<TestRow> = (0..50).map(row).collect();
    let bytes = encode(&graph(), &rows, 1);
    seal_bytes(bytes.clone(), &graph(), &target, "s", 0).unwrap();
    let header = fs::read(target.join("header")).unwrap();
    // Sealed, but the caller never heard of it: the same set is recognised, the source is not read.
    seal_bytes(vec![], &graph(), &target, "s", 0).unwrap();
    assert_eq!(fs::read(target.join("header")).unwrap(), header);
    // Sealed with a key that was never stored: made anew.
    let other = tamis_keys::Secret::from_bytes([9; 32]);
    let (entropy, cancel) = (Seeded::new(2), AtomicBool::new(false));
    seal(job(bytes, &target, &other, &entropy, &cancel)).unwrap();
    assert!(SealedSet::open(&target, &other, "s").is_ok());
    assert!(SealedSet::open(&target, &key(), "s").is_err());
    assert_eq!(names(dir.path()), BTreeSet::from(["s".to_owned()]));
}

#[test]
fn no_two_files_share_a_nonce() {
    let dir = tempfile::tempdir().unwrap();
    let mut nonces = BTreeSet::new();
    for id in ["a", "b"] {
        let path = dir.path().join(id);
        let rows: Vec<TestRow> = (0..5).map(row).collect();
        let job = encode(&graph(), &rows, 1);
        let (key, cancel) = (key(), AtomicBool::new(false));
        let entropy = Seeded::new(if id == "a" { 1 } else { 2 });
        seal(super::tests::job(job, &path, &key, &entropy, &cancel)).unwrap();
        for name in names(&path) {
            let bytes = fs::read(path.join(name)).unwrap();
            assert!(nonces.insert(bytes[16..32].to_vec()));
        }
    }
    assert_eq!(nonces.len(), 16);
}

/// Opens and reads everything.
fn check(path: &Path) -> Result<(), SetError> {
    SealedSet::open(path, &key(), "s")?.verify()
}

#[test]
fn every_flipped_byte_cut_or_addition_is_an_error_that_names_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    sealed(
        &graph(),
        &(0..3_000).map(row).collect::<Vec<_>>(),
        &path,
        "s",
        0,
    );
    check(&path).unwrap();
    for name in names(&path) {
        let file = path.join(&name);
        let good = fs::read(&file).unwrap();
        let attack = |bytes: &[u8], what: &str| {
            fs::write(&file, bytes).unwrap();
            let error = check(&path).expect_err(what).to_string();
            assert!(error.starts_with(&format!("s/{name}: ")), "{what}: {error}");
        };
        for at in (0..40).chain((40..good.len()).step_by(good.len() / 40 + 1)) {
            let mut bytes = good.clone();
            bytes[at] ^= 0x10;
            attack(&bytes, "flipped");
        }
        for end in [
            0,
            1,
            31,
            32,
            47,
            good.len() / 2,
            good.len() - 17,
            good.len() - 1,
        ] {
            attack(&good[..end.min(good.len() - 1)], "cut");
        }
        attack(&[&good[..], &[0]].concat(), "longer");
        attack(&[&good[..], &[0; 64]].concat(), "longer");
        fs::remove_file(&file).unwrap();
        assert!(
            check(&path)
                .unwrap_err()
                .to_string()
                .starts_with(&format!("s/{name}: "))
        );
        fs::write(&file, good).unwrap();
    }
    check(&path).unwrap();
}

#[test]
fn blocks_dropped_swapped_or_taken_from_another_file_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("s"), dir.path().join("o"));
    let rows: Vec<TestRow> = (0..20_000).map(row).collect();
    sealed(&graph(), &rows, &path, "s", 0);
    sealed(&graph(), &rows, &other, "o", 0);
    for (name, block) in [
        ("tokens", 4096 * 22),
        ("cookies.0", 64 << 10),
        ("salts", 64 << 10),
    ] {
        let file = path.join(name);
        let good = fs::read(&file).unwrap();
        let sealed = block + 16;
        assert!(good.len() > 32 + 3 * sealed, "{name}");
        let part = |i: usize| good[32 + i * sealed..32 + (i + 1) * sealed].to_vec();
        let swapped = [&good[..32], &part(1), &part(0), &good[32 + 2 * sealed..]].concat();
        let dropped = [&good[..32], &good[32 + sealed..]].concat();
        let repeated = [&good[..32], &part(0), &part(0), &good[32 + 2 * sealed..]].concat();
        let cut = good[..32 + 2 * sealed].to_vec();
        let foreign = fs::read(other.join(name)).unwrap();
        let spliced = [&good[..32], &foreign[32..32 + sealed], &good[32 + sealed..]].concat();
        for bytes in [swapped, dropped, repeated, cut, spliced, foreign] {
            fs::write(&file, bytes).unwrap();
            let error = check(&path).unwrap_err().to_string();
            assert!(error.starts_with(&format!("s/{name}: ")), "{error}");
        }
        fs::write(&file, good).unwrap();
    }
    // One file of the same set in the place of another, and the whole set under another name.
    fs::copy(path.join("cookies.0"), path.join("cookies.1")).unwrap();
    assert!(
        check(&path)
            .unwrap_err()
            .to_string()
            .starts_with("s/cookies.1: ")
    );
    assert!(SealedSet::open(&other, &key(), "s").is_err());
}

#[test]
fn token_lists_are_sorted_unique_and_bound_to_their_context() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("list");
    let mut tokens: Vec<Token> = (0..10_000).map(|n| token(0, n % 7_000)).collect();
    write_tokens(&path, &key(), "w1", &mut tokens).unwrap();
    let expected: BTreeSet<[u8; 16]> = tokens.iter().map(|token| token.0).collect();
    let read = read_tokens(&path, &key(), "w1").unwrap();
    assert!(read.iter().map(|token| token.0).eq(expected));
    assert!(read_tokens(&path, &key(), "w2").is_err());
    assert_eq!(names(dir.path()).len(), 1);
    let first = fs::read(&path).unwrap();
    write_tokens(&path, &key(), "w1", &mut [Token([1; 16])]).unwrap();
    assert_ne!(fs::read(&path).unwrap()[16..32], first[16..32]);
    write_tokens(&path, &key(), "w1", &mut []).unwrap();
    assert!(read_tokens(&path, &key(), "w1").unwrap().is_empty());
}

/// Writes a member file for those of `rows` whose number is in `chosen`.
fn member_file(
    dir: &Path,
    id: &str,
    rows: &[TestRow],
    chosen: &BTreeSet<u32>,
    destination: &str,
) -> MemberFile {
    let set = sealed(&graph(), rows, &dir.join(format!("set-{id}")), id, 0);
    let mut words = vec![0u64; rows.len() / 64 + 1];
    chosen
        .iter()
        .for_each(|person| words[*person as usize / 64] |= 1 << (person % 64));
    let persons = PersonSet::from_words(&words);
    let out = dir.join(format!("members-{id}"));
    members::write(&set, &persons, destination, AS_OF, &out, &key(), id).unwrap()
}

/// Rows that are each a person of their own, with these cookies at both destinations.
fn loners(cookies: &[u8]) -> Vec<TestRow> {
    let loner = |(n, cookie): (u32, &u8)| TestRow {
        identifiers: [Some(n), None, None],
        cookies: vec![Some(*cookie), Some(*cookie)],
        ..row(0)
    };
    (0..).zip(cookies).map(loner).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn changes_are_the_difference_of_the_sets(
        old in prop::collection::vec(any::<(u8, bool)>(), 0..60),
        new in prop::collection::vec(any::<(u8, bool)>(), 0..60),
        sealed_cookies in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let destination = if sealed_cookies { "dsp-a" } else { "dmp-b" };
        let make = |id: &str, members: &[(u8, bool)]| {
            let cookies: Vec<u8> = members.iter().map(|(cookie, _)| *cookie).collect();
            let chosen = (0..).zip(members).filter(|(_, (_, chosen))| *chosen).map(|(n, _)| n).collect();
            member_file(dir.path(), id, &loners(&cookies), &chosen, destination)
        };
        let (before, after) = (make("first", &old), make("second-one", &new));
        let set = |members: &[(u8, bool)]| -> BTreeSet<u8> {
            members.iter().filter(|(_, chosen)| *chosen).map(|(cookie, _)| *cookie).collect()
        };
        let (had, has) = (set(&old), set(&new));
        let (mut added, mut removed) = (BTreeSet::new(), BTreeSet::new());
        let number = |bytes: &[u8]| match sealed_cookies {
            true => bytes[87],
            false => String::from_utf8_lossy(&bytes[7..]).parse().unwrap(),
        };
        for change in members::changes(Some(&before), &after) {
            let fresh = match change.unwrap() {
                Change::Add(cookie) => {
                    prop_assert_eq!(&cookie.origin.upload, "second-one");
                    added.insert(number(&cookie.bytes))
                }
                Change::Remove(cookie) => {
                    prop_assert_eq!(&cookie.origin.upload, "first");
                    prop_assert_eq!(cookie.origin.enc.is_some(), sealed_cookies);
                    removed.insert(number(&cookie.bytes))
                }
            };
            prop_assert!(fresh, "a cookie is told once");
        }
        prop_assert_eq!(added, &has - &had);
        prop_assert_eq!(removed, &had - &has);
        prop_assert_eq!(members::changes(Some(&after), &after).count(), 0);
    }

    #[test]
    fn records_come_out_sorted_whatever_the_memory_and_the_skew(
        mut records in prop::collection::vec((prop::collection::vec(any::<u8>(), 1..3), 0u32..50), 0..900),
        memory in prop_oneof![Just(0usize), Just(1 << 16), Just(1 << 24)],
        same in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut sorter = Sorter::new(&dir.path().join("t"), &key(), "c", &[0; 16], 22, memory);
        let mut expected = Vec::new();
        for (token, row) in &mut records {
            let mut record = [0; 22];
            let from = if same { 14 } else { 0 };
            record[from..from + token.len()].copy_from_slice(token);
            record[16..20].copy_from_slice(&row.to_be_bytes());
            sorter.push(&record).unwrap();
            expected.push(record);
        }
        expected.sort_unstable();
        let mut sorted = sorter.finish();
        for record in expected {
            prop_assert_eq!(sorted.next().unwrap().unwrap(), record);
        }
        prop_assert!(sorted.next().unwrap().is_none());
        drop(sorted);
        prop_assert!(names(dir.path()).is_empty());
    }
}

#[test]
fn a_damaged_member_file_ends_the_changes_with_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = member_file(
        dir.path(),
        "m",
        &loners(&[1, 2, 3]),
        &BTreeSet::from([0, 1, 2]),
        "dsp-a",
    );
    assert_eq!(file.origin().enc, Some([8; 32]));
    assert_eq!(members::changes(None, &file).count(), 3);
    let path = dir.path().join("members-m");
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len() - 1;
    bytes[end] ^= 1;
    fs::write(&path, bytes).unwrap();
    let mut changes = members::changes(None, &file);
    assert!(changes.next().unwrap().is_err());
    assert!(changes.next().is_none());
    assert!(MemberFile::open(&path, &key(), "m").is_err());
    let set = SealedSet::open(&dir.path().join("set-m"), &key(), "m").unwrap();
    let out = dir.path().join("none");
    assert!(
        members::write(
            &set,
            &PersonSet::new(),
            "elsewhere",
            AS_OF,
            &out,
            &key(),
            "m"
        )
        .is_err()
    );
    assert!(!out.exists());
}

#[test]
fn an_unreadable_set_header_never_panics() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    fs::create_dir(&path).unwrap();
    for bytes in [&b""[..], b"tamisblk", &[0xff; 64], &[0; 4096]] {
        fs::write(path.join("header"), bytes).unwrap();
        assert!(check(&path).is_err());
    }
}
