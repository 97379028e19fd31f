//! The transparency log: leaves, proofs, and the files of a whole log.

use std::sync::OnceLock;

use tamis_keys::Secret;
use tamis_protocols::transparency::{
    AddCheckpoint, CHECKPOINT, Event, Leaf, LogKey, MemoryStore, Seen, TileStore, Verdict, Witness,
    WitnessKey, check_consistency, check_inclusion, consistency_proof, inclusion_proof,
    key_fingerprint, open_checkpoint, open_cosigned, publish, verify,
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
        withdrawal: id.clone(),
        commitment: digest,
        kind: Some("erasure".to_owned()),
    };
    let erased = Event::Erasure {
        collaboration: id.clone(),
        withdrawal: id,
        destroyed: vec!["records".to_owned(), "rows".to_owned()],
    };
    let others = [upload, bridged, added, decided, withdrawn, erased].map(|event| written("shop", event));
    let invited = Event::Admin {
        action: "party-invited".to_owned(),
        subject: "shop".to_owned(),
    };
    let others = others.into_iter().chain([written("operator", invited)]);
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
    let real = &made.store.files[path];
    // Lines of unknown keys may stand behind the log's own.
    let same = real == content || (path == CHECKPOINT && content.starts_with(real));
    assert!(same || !verified, "{path} was changed, and nobody noticed");
    assert!(real != content || verified);
    verified
}

fn witness() -> WitnessKey {
    WitnessKey::new(Secret::from_bytes([6; 32]), "witness.example/w1").expect("a key")
}

/// What a witness is asked: from the old size, and from nothing.
pub(crate) fn requests() -> Vec<Vec<u8>> {
    let made = made();
    let checkpoint = &made.store.files[CHECKPOINT];
    let request = |old, proof: &[[u8; 32]]| AddCheckpoint {
        old,
        proof: proof.to_vec(),
        checkpoint: checkpoint.clone(),
    };
    let requests = [request(OLD, &made.consistent), request(0, &[])];
    requests.map(|request| request.to_bytes()).to_vec()
}

/// Only what the log signed is cosigned, and only if it leads on from what was seen.
pub(crate) fn request(data: &[u8]) -> bool {
    let made = made();
    let parsed = AddCheckpoint::parse(data);
    if let Some(request) = &parsed {
        assert_eq!(request.to_bytes(), data);
    }
    let witness = Witness::new([made.vkey.as_str()]).expect("a witness");
    if let Ok(known) = witness.read(data) {
        let last = Seen {
            size: OLD,
            root: made.old_root,
        };
        if let Verdict::Cosign { seen, .. } = Witness::consider(Some(&last), &known) {
            assert_eq!((seen.size, seen.root), (LEAVES, made.root), "a fork");
        }
    }
    parsed.is_some()
}

/// A checkpoint with two cosignatures, one of a witness that is known.
pub(crate) fn cosigned() -> Vec<Vec<u8>> {
    let checkpoint = &made().store.files[CHECKPOINT];
    let text = checkpoint_text(checkpoint);
    let stranger = WitnessKey::new(Secret::from_bytes([7; 32]), "witness.example/w2");
    let lines = [witness(), stranger.expect("a key")].map(|key| key.cosign(text, 1_795_600_000));
    vec![[checkpoint.as_slice(), lines.concat().as_bytes()].concat()]
}

fn checkpoint_text(checkpoint: &[u8]) -> &[u8] {
    let end = checkpoint.windows(2).position(|two| two == b"\n\n");
    &checkpoint[..=end.expect("a note")]
}

/// Whatever opens says what was signed, and names a witness only if its signature is that of this text.
pub(crate) fn cosignatures(data: &[u8]) -> bool {
    let made = made();
    let known = [witness().verifier()];
    let opened = open_cosigned(data, &made.vkey, &known);
    if let Some(opened) = &opened {
        assert_eq!((opened.head.size, opened.head.root), (LEAVES, made.root));
        for by in &opened.by {
            let line = witness().cosign(checkpoint_text(data), by.time);
            assert!(String::from_utf8_lossy(data).contains(&line));
        }
    }
    opened.is_some()
}
