//! Attacks of somebody who can change the files but has no key.

use super::*;

#[test]
fn an_honest_log_verifies() {
    let story = story();
    let leaves = bytes(&story);
    let last = story.last().map(|leaf| leaf.time.clone());
    for step in [1, 3, 100] {
        let summary = check(&log_of(&leaves, step)).unwrap();
        assert_eq!(summary.leaves, leaves.len() as u64);
        assert_eq!(summary.origin, ORIGIN);
        assert_eq!(summary.first.as_deref(), Some("2026-11-22T09:00:00Z"));
        assert_eq!(summary.last, last);
    }
    assert_eq!(check(&log_of(&[], 1)).unwrap().leaves, 0);
}

#[test]
fn every_flipped_byte_of_every_file_is_a_violation() {
    // Two steps leave an older partial tile and bundle behind: they are checked too.
    let leaves = bytes(&story());
    let store = log_of(&leaves, leaves.len() / 2 + 1);
    assert_eq!(store.files.len(), 5);
    for (path, content) in &store.files {
        for at in 0..content.len() {
            for mask in [0x01, 0x20] {
                let mut altered = store.clone();
                altered.files.get_mut(path).unwrap()[at] ^= mask;
                assert!(
                    check(&altered).is_err(),
                    "{path}, byte {at}, mask {mask:#x}"
                );
            }
        }
    }
}

#[test]
fn every_missing_shortened_or_lengthened_file_is_a_violation() {
    let store = log_of(&bytes(&story()), 100);
    for path in store.files.keys() {
        let mut cut = store.clone();
        cut.files.remove(path);
        assert!(check(&cut).is_err(), "{path} is missing");
        let mut shorter = store.clone();
        shorter.files.get_mut(path).unwrap().pop();
        assert!(check(&shorter).is_err(), "{path} is shorter");
        for more in [&b"\0"[..], b"\n", &[0; 32]] {
            let mut longer = store.clone();
            longer.files.get_mut(path).unwrap().extend_from_slice(more);
            assert!(check(&longer).is_err(), "{path} is longer");
        }
    }
}

#[test]
fn dropped_reordered_doubled_and_forged_leaves_do_not_make_the_signed_root() {
    let honest = bytes(&story());
    let checkpoint = log_of(&honest, 100).files.remove(CHECKPOINT).unwrap();
    let mut dropped = honest.clone();
    dropped.remove(10);
    let mut swapped = honest.clone();
    swapped.swap(9, 10);
    let mut doubled = honest.clone();
    doubled.insert(3, honest[3].clone());
    let mut forged = honest.clone();
    forged[10] = leaf(10, "acme", gate(7, 8, "dsp-a", Some(500))).to_bytes();
    for attack in [dropped, swapped, doubled, forged] {
        // The attacker recomputes every tile, but cannot sign.
        let mut store = log_of(&attack, 100);
        store.files.insert(CHECKPOINT.into(), checkpoint.clone());
        assert!(check(&store).is_err());
    }
}

#[test]
fn a_file_that_is_no_part_of_the_log_is_a_violation() {
    let store = log_of(&bytes(&story()), 100);
    for path in [
        "tile/0/000.p/17",
        "tile/0/000",
        "tile/0/001.p/1",
        "tile/1/000.p/1",
        "tile/entries/001.p/1",
        "tile/0/000.p/0",
        "tile/0/0.p/3",
        "tile/99/000",
        "tile/x",
    ] {
        let mut more = store.clone();
        more.files.insert(path.into(), vec![0; 32]);
        assert!(check(&more).is_err(), "{path}");
    }
}

#[test]
fn a_checkpoint_of_another_key_or_log_or_with_additions_is_refused() {
    let mut store = log_of(&bytes(&story()), 100);
    let other = LogKey::new(Secret::from_bytes([0x72; 32]), ORIGIN).unwrap();
    let elsewhere = LogKey::new(Secret::from_bytes([0x71; 32]), "other.example/log").unwrap();
    for key in [&other, &elsewhere] {
        assert!(matches!(
            verify(&store, &key.vkey()),
            Err(Violation::Checkpoint)
        ));
    }
    assert!(matches!(
        verify(&store, "no key"),
        Err(Violation::Checkpoint)
    ));

    let honest = String::from_utf8(store.files[CHECKPOINT].clone()).unwrap();
    let (text, signature) = honest.split_once("\n\n").unwrap();
    for altered in [
        format!("{honest}{signature}"),
        format!("{honest}\n"),
        format!("{text}\nextension\n\n{signature}"),
        honest.replace("— ", "- "),
    ] {
        store.files.insert(CHECKPOINT.into(), altered.into_bytes());
        assert!(check(&store).is_err());
    }
}
