//! The transparency log: leaves, proofs, and the files of a whole log.

use std::sync::OnceLock;

use tamis_keys::Secret;
use tamis_protocols::transparency::{
    CHECKPOINT, Event, Leaf, LogKey, MemoryStore, TileStore, check_consistency, check_inclusion,
    consistency_proof, inclusion_proof, key_fingerprint, open_checkpoint, publish, verify,
};

/// Leaves of the log: more than one bundle and one tile.
const LEAVES: u64 = 300;
/// And as it was before.
const OLD: u64 = 40;
/// The leaf whose inclusion is proved.
const INDEX: u64 = 77;

struct Made {
    store: MemoryStore,
    root: [u8; 32],
    old_root: [u8; 32],
    included: Vec<[u8; 32]>,
    consistent: Vec<[u8; 32]>,
    vkey: String,
    paths: Vec<String>,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let key = LogKey::new(Secret::from_bytes([5; 32]), "tamis.example/log").expect("a key");
        let mut store = MemoryStore::default();
        let leaves: Vec<Vec<u8>> = (0..LEAVES).map(leaf_bytes).collect();
        // As it grows: older partial files stay.
        let (old, new) = leaves.split_at(OLD as usize);
        let (_, old_root) = publish(0, old, &mut store).expect("a log");
        let (size, root) = publish(OLD, new, &mut store).expect("a log");
        let checkpoint = key.sign_checkpoint(size, &root);
        store
            .write(CHECKPOINT, checkpoint.as_bytes())
            .expect("a checkpoint");
        let paths = store.files.keys().cloned().collect();
        let included = inclusion_proof(&store, size, &root, INDEX).expect("a proof");
        let consistent = consistency_proof(&store, size, &root, OLD).expect("a proof");
        let vkey = key.vkey();
        Made {
            store,
            root,
            old_root,
            included,
            consistent,
            vkey,
            paths,
        }
    })
}

/// Parties enrol, which takes nothing before it.
fn leaf_bytes(n: u64) -> Vec<u8> {
    written(
        "operator",
        Event::Enrolment {
            party: format!("party-{n}"),
            role: "advertiser".to_owned(),
            signing_key: key_fingerprint(&[n as u8; 32]),
            sealing_key: n.is_multiple_of(2).then(|| key_fingerprint(&[1; 32])),
        },
    )
}

fn written(actor: &str, event: Event) -> Vec<u8> {
    Leaf::new("2026-11-22T09:00:00Z".to_owned(), actor, event, None).to_bytes()
}

pub(crate) fn leaves() -> Vec<Vec<u8>> {
    let id = "0123456789abcdef0123456789abcdef".to_owned();
    let digest = "0123456789abcdef".repeat(4);
    let upload = Event::Upload {
        collaboration: id.clone(),
        upload: id.clone(),
        kind: "crm".to_owned(),
        consent_root: digest.clone(),
        mode: None,
        parent: None,
        bridge: None,
    };
    let bridged = Event::Upload {
        collaboration: id.clone(),
        upload: "e".repeat(32),
        kind: "graph".to_owned(),
        consent_root: digest.clone(),
        mode: None,
        parent: None,
        bridge: Some("d".repeat(32)),
    };
    let added = Event::Upload {
        collaboration: id.clone(),
        upload: "f".repeat(32),
        kind: "crm".to_owned(),
        consent_root: digest.clone(),
        mode: Some("add".to_owned()),
        parent: Some(id.clone()),
        bridge: None,
    };
    let decided = Event::MatchDecision {
        collaboration: id.clone(),
        match_id: id.clone(),
        released: true,
        about: Some(1130),
        charge: 200,
    };
    let withdrawn = Event::Withdrawal {
        collaboration: id.clone(),
        withdrawal: id,
        commitment: digest,
    };
    let others = [upload, bridged, added, decided, withdrawn].map(|event| written("shop", event));
    (0..2).map(leaf_bytes).chain(others).collect()
}

/// A leaf has one spelling.
pub(crate) fn leaf(data: &[u8]) -> bool {
    let parsed = Leaf::parse(data);
    if let Ok(leaf) = &parsed {
        assert_eq!(leaf.to_bytes(), data);
    }
    parsed.is_ok()
}

/// Two sizes and an index, each of two bytes, then hashes: of an inclusion and of a consistency proof.
pub(crate) fn proofs() -> Vec<Vec<u8>> {
    let numbers = [LEAVES, OLD, INDEX].map(|n| (n as u16).to_le_bytes());
    let proofs = [&made().included, &made().consistent];
    proofs
        .map(|proof| [numbers.concat(), proof.concat()].concat())
        .to_vec()
}

/// For the sizes of this log only the genuine proofs are taken. Other sizes are not bound by a proof;
/// the signed checkpoint has them.
pub(crate) fn proof(data: &[u8]) -> bool {
    let Some((numbers, hashes)) = data.split_first_chunk::<6>() else {
        return false;
    };
    let number = |at: usize| u64::from(u16::from_le_bytes([numbers[at], numbers[at + 1]]));
    let (size, old, index) = (number(0), number(2), number(4));
    let (hashes, rest) = hashes.as_chunks::<32>();
    let made = made();
    let included = check_inclusion(hashes, size, &made.root, index, &leaf_bytes(INDEX));
    if (size, index) == (LEAVES, INDEX) {
        assert_eq!(included, hashes == made.included, "a forged inclusion");
    }
    let consistent = check_consistency(hashes, size, &made.root, old, &made.old_root);
    if (size, old) == (LEAVES, OLD) {
        assert_eq!(
            consistent,
            hashes == made.consistent,
            "a forged consistency"
        );
    }
    (included || consistent) && rest.is_empty()
}

/// Which file, then its content.
pub(crate) fn files() -> Vec<Vec<u8>> {
    let made = made();
    let files = made.paths.iter().enumerate();
    files
        .map(|(at, path)| [&[at as u8], &made.store.files[path][..]].concat())
        .collect()
}

/// One file of a log is replaced: it verifies only if it is the same.
pub(crate) fn log(data: &[u8]) -> bool {
    let (made, Some((at, content))) = (made(), data.split_first()) else {
        return false;
    };
    let path = &made.paths[usize::from(*at) % made.paths.len()];
    if path == CHECKPOINT {
        open_checkpoint(content, &made.vkey);
    }
    let mut store = made.store.clone();
    store.files.insert(path.clone(), content.to_vec());
    let verified = verify(&store, &made.vkey).is_ok();
    let same = made.store.files[path] == content;
    assert_eq!(verified, same, "{path} was changed");
    verified
}
