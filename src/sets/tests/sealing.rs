//! What sealing accepts, counts, refuses and leaves behind.

use super::*;

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
    let progress = |read: Progress| {
        rows.store(read.rows, Ordering::Relaxed);
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
