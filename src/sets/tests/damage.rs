//! A file at rest that was damaged, swapped or taken from elsewhere is an error with its name.

use super::*;

/// Opens and reads everything.
fn check(path: &Path) -> Result<(), SetError> {
    SealedSet::open(path, &key(), "s")?.verify()
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
        seal(super::job(job, &path, &key, &entropy, &cancel)).unwrap();
        for name in names(&path) {
            let bytes = fs::read(path.join(name)).unwrap();
            assert!(nonces.insert(bytes[16..32].to_vec()));
        }
    }
    assert_eq!(nonces.len(), 14);
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
    for (name, block) in [("tokens", 4096 * 22), ("cookies.0", 64 << 10)] {
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
fn an_unreadable_set_header_never_panics() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    fs::create_dir(&path).unwrap();
    for bytes in [&b""[..], b"tamisblk", &[0xff; 64], &[0; 4096]] {
        fs::write(path.join("header"), bytes).unwrap();
        assert!(check(&path).is_err());
    }
}
