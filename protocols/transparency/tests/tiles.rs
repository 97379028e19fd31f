use std::collections::BTreeSet;

use proptest::prelude::*;
use tlog_tiles::{Hash, HashReader, stored_hashes, tree_hash};

use super::super::place::Place;
use super::super::tree::{leading_leaves, leaves};
use super::*;

fn numbered(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| n.to_string().into_bytes()).collect()
}

/// The reference of the `tlog_tiles` crate: every hash of the tree in one list.
struct Stored(Vec<Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|at| self.0[*at as usize]).collect())
    }
}

fn reference_root(leaves: &[Vec<u8>]) -> [u8; 32] {
    let mut stored = Stored(Vec::new());
    for (n, leaf) in leaves.iter().enumerate() {
        let hashes = stored_hashes(n as u64, leaf, &stored).unwrap();
        stored.0.extend(hashes);
    }
    tree_hash(leaves.len() as u64, &stored).unwrap().0
}

#[test]
fn roots_are_those_of_rfc_6962() {
    for size in [0, 1, 2, 3, 7, 8, 255, 256, 257, 511, 512, 513, 1000] {
        let leaves = numbered(size);
        let (_, root) = publish(0, &leaves, &mut MemoryStore::default()).unwrap();
        assert_eq!(root, reference_root(&leaves), "{size}");
    }
}

#[test]
fn a_third_level_of_tiles_begins_at_65536_leaves() {
    let leaves = numbered(65_800);
    let mut store = MemoryStore::default();
    let (size, _) = publish(0, &leaves[..65_535], &mut store).unwrap();
    let (size, root) = publish(size, &leaves[65_535..], &mut store).unwrap();
    assert_eq!(root, reference_root(&leaves));
    assert_eq!(store.files["tile/2/000.p/1"].len(), 32);
    for path in paths(size) {
        assert!(store.files.contains_key(&path), "{path}");
    }
    let proof = inclusion_proof(&store, size, &root, 65_535).unwrap();
    assert!(check_inclusion(&proof, size, &root, 65_535, b"65535"));
}

#[test]
fn the_files_of_a_log_are_those_of_c2sp_tlog_tiles() {
    let mut store = MemoryStore::default();
    publish(0, &numbered(300), &mut store).unwrap();
    let files: Vec<_> = store.files.keys().cloned().collect();
    assert_eq!(
        files,
        [
            "tile/0/000",
            "tile/0/001.p/44",
            "tile/1/000.p/1",
            "tile/entries/000",
            "tile/entries/001.p/44"
        ]
    );
    assert_eq!(
        paths(300).collect::<BTreeSet<_>>(),
        files.into_iter().collect()
    );
    assert_eq!(&store.files["tile/entries/000"][..6], b"\x00\x010\x00\x011");
    let far = Place {
        level: None,
        number: 1_234_067,
        width: 17,
    };
    assert_eq!(far.path(), "tile/entries/x001/x234/067.p/17");
    assert_eq!(Place::parse(&far.path()), Some(far));
}

#[test]
fn a_damaged_or_missing_file_stops_publishing() {
    let mut store = MemoryStore::default();
    publish(0, &numbered(5), &mut store).unwrap();
    for path in ["tile/0/000.p/5", "tile/entries/000.p/5"] {
        let mut damaged = store.clone();
        damaged.files.get_mut(path).unwrap().pop();
        assert!(publish(5, &numbered(1), &mut damaged).is_err());
        damaged.files.remove(path);
        assert!(publish(5, &numbered(1), &mut damaged).is_err());
    }
    assert!(publish(0, &[vec![0; LEAF_MAX + 1]], &mut store).is_err());
    assert!(publish(u64::MAX, &numbered(1), &mut store).is_err());
}

#[test]
fn publishing_again_after_a_crash_writes_the_same_files() {
    let leaves = numbered(600);
    let mut store = MemoryStore::default();
    publish(0, &leaves[..300], &mut store).unwrap();
    let whole = {
        let mut whole = store.clone();
        publish(300, &leaves[300..], &mut whole).unwrap();
        whole
    };
    // The first attempt got half of the files out.
    for (path, content) in whole.files.iter().step_by(2) {
        store.files.insert(path.clone(), content.clone());
    }
    publish(300, &leaves[300..], &mut store).unwrap();
    assert_eq!(store.files, whole.files);
}

#[test]
fn a_proof_holds_for_its_leaf_and_log_only() {
    let leaves = numbered(700);
    let mut store = MemoryStore::default();
    let (old_size, old_root) = publish(0, &leaves[..300], &mut store).unwrap();
    let (size, root) = publish(old_size, &leaves[300..], &mut store).unwrap();
    for index in [0, 255, 256, 299, 300, 699] {
        let proof = inclusion_proof(&store, size, &root, index).unwrap();
        let leaf = &leaves[index as usize];
        assert!(check_inclusion(&proof, size, &root, index, leaf));
        assert!(!check_inclusion(&proof, size, &root, index, b"forged"));
        assert!(!check_inclusion(
            &proof,
            size,
            &root,
            (index + 1) % size,
            leaf
        ));
        assert!(!check_inclusion(&proof, old_size, &old_root, index, leaf));
    }
    let proof = consistency_proof(&store, size, &root, old_size).unwrap();
    assert!(check_consistency(&proof, size, &root, old_size, &old_root));
    assert!(!check_consistency(&proof, size, &root, old_size, &[0; 32]));
    assert!(!check_consistency(
        &proof,
        size,
        &root,
        old_size + 1,
        &old_root
    ));
    assert_eq!(
        inclusion_proof(&store, size, &root, size),
        Err(ProofError::OutOfRange)
    );
    assert_eq!(
        inclusion_proof(&store, 0, &root, 0),
        Err(ProofError::OutOfRange)
    );
    assert_eq!(
        consistency_proof(&store, size, &root, 0),
        Err(ProofError::OutOfRange)
    );
    assert_eq!(
        inclusion_proof(&store, size, &old_root, 1),
        Err(ProofError::Tiles)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn publishing_in_steps_makes_what_publishing_at_once_makes(steps in proptest::collection::vec(0usize..300, 1..6)) {
        let all = numbered(steps.iter().sum());
        let mut at_once = MemoryStore::default();
        let whole = publish(0, &all, &mut at_once).unwrap();
        let mut stepwise = MemoryStore::default();
        let mut reached = (0, whole.1);
        let mut from = 0;
        for step in steps {
            reached = publish(from as u64, &all[from..from + step], &mut stepwise).unwrap();
            from += step;
        }
        prop_assert_eq!(reached, whole);
        for (path, content) in &at_once.files {
            prop_assert_eq!(stepwise.files.get(path), Some(content));
        }
    }

    #[test]
    fn random_bundles_and_paths_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), width in 0u64..300, path in "tile/(entries|[0-9]{1,3})/[x0-9/.p]{0,24}") {
        let _ = leaves(&bytes, width);
        let _ = leading_leaves(&bytes, width);
        if let Some(place) = Place::parse(&path) {
            prop_assert_eq!(place.path(), path);
        }
    }
}

#[test]
fn the_newest_bundle_is_the_last_one_published() {
    assert_eq!(newest_bundle(0), None);
    for size in [1_usize, 255, 256, 257, 700] {
        let leaves: Vec<Vec<u8>> = (0..size).map(|n| n.to_string().into_bytes()).collect();
        let mut store = MemoryStore::default();
        publish(0, &leaves, &mut store).unwrap();
        let (start, path) = newest_bundle(size as u64).unwrap();
        assert_eq!(
            store.files[&path],
            bundle(&leaves[start as usize..]),
            "{size}"
        );
    }
}
