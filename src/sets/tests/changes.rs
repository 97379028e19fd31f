//! Member files, and what a destination must be told between two of them.

use super::*;

/// Writes a member file for the persons of those of `rows` whose number is in `chosen`.
fn member_file(
    dir: &Path,
    id: &str,
    rows: &[TestRow],
    chosen: &BTreeSet<u32>,
    destination: &str,
) -> MemberFile {
    let set = sealed(&graph(), rows, &dir.join(format!("set-{id}")), id, 0);
    let mut words = vec![0u64; rows.len() / 64 + 1];
    let mut walk = set.layers()[0].walk_rows().unwrap();
    while let Some(block) = walk.next().unwrap() {
        for i in (0..block.len()).filter(|i| chosen.contains(&(block.first + *i as u32))) {
            let person = block.person(i);
            words[person as usize / 64] |= 1 << (person % 64);
        }
    }
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
    assert_eq!(file.origins()[0].enc, Some([8; 32]));
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
