#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use tamis_keys::Secret;
use tamis_protocols::audit::archive::Limits;
use tamis_protocols::audit::{Manifest, file, summarise};
use tamis_protocols::transparency::{
    CHECKPOINT, Event, Leaf, LogKey, TileStore, key_fingerprint, open_checkpoint, publish,
};

use super::*;

fn key() -> LogKey {
    LogKey::new(Secret::from_bytes([3; 32]), "tamis.example/log").unwrap()
}

/// A log of two enrolments, and a pack of it.
fn written(directory: &Path) {
    let mut store = Directory::new(directory);
    let (mut leaves, mut documents) = (Vec::new(), String::new());
    for (party, base64) in [
        ("acme", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="),
        ("eye", "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="),
    ] {
        let event = Event::Enrolment {
            party: party.into(),
            role: if party == "eye" {
                "auditor"
            } else {
                "advertiser"
            }
            .into(),
            signing_key: key_fingerprint(&[if party == "eye" { 2 } else { 1 }; 32]),
            sealing_key: None,
        };
        leaves.push(Leaf::new("2026-11-22T09:00:00Z".into(), "operator", event, None).to_bytes());
        documents += &format!("{{\"kind\":\"keys\",\"signing_key\":\"{base64}\"}}\n");
    }
    let (size, root) = publish(0, &leaves, &mut store).unwrap();
    let checkpoint = key().sign_checkpoint(size, &root);
    let vkey = key().vkey();
    for (path, content) in [
        (CHECKPOINT, checkpoint.as_str()),
        (file::DOCUMENTS, &documents),
        (file::EARLIER, ""),
        (file::SAMPLES, ""),
        (file::KEY, &format!("{vkey}\n")),
    ] {
        store.write(path, content.as_bytes()).unwrap();
    }
    let summary = summarise(&store, &vkey).unwrap().summary;
    store.write(file::SUMMARY, summary.as_bytes()).unwrap();
    let head = open_checkpoint(checkpoint.as_bytes(), &vkey).unwrap();
    let manifest = Manifest::of(&store, &head).unwrap().to_bytes();
    store.write(file::MANIFEST, &manifest).unwrap();
}

fn ask(place: &Path) -> Ask {
    Ask {
        place: place.to_owned(),
        key: None,
        earlier: Vec::new(),
        witnesses: Vec::new(),
        limits: Limits::default(),
    }
}

#[test]
fn a_pack_holds_as_a_directory_and_as_one_file() {
    let place = tempfile::tempdir().unwrap();
    let (directory, packed) = (place.path().join("pack"), place.path().join("pack.tar.zst"));
    fs::create_dir(&directory).unwrap();
    written(&directory);
    pack(&directory, &packed).unwrap();
    for place in [&directory, &packed] {
        let proof = prove(&ask(place)).unwrap();
        assert!(proof.own_key && proof.report.documents);
        assert_eq!(proof.report.log.leaves, 2);
    }
}

#[test]
fn every_flipped_byte_of_a_packed_file_is_found_or_changes_nothing_that_is_in_it() {
    let place = tempfile::tempdir().unwrap();
    let (directory, packed) = (place.path().join("pack"), place.path().join("pack.tar.zst"));
    fs::create_dir(&directory).unwrap();
    written(&directory);
    pack(&directory, &packed).unwrap();
    let honest = fs::read(&packed).unwrap();
    let content = |bytes: &[u8]| zstd::stream::decode_all(bytes).ok();
    let (mut found, mut harmless) = (0, 0);
    for at in 0..honest.len() {
        let mut altered = honest.clone();
        altered[at] ^= 1 << (at % 8);
        fs::write(&packed, &altered).unwrap();
        match prove(&ask(&packed)) {
            Err(_) => found += 1,
            // A frame can say the same in other words.
            Ok(_) => {
                assert_eq!(content(&altered), content(&honest), "byte {at}");
                harmless += 1;
            }
        }
    }
    assert!(found > 500 && harmless < 8, "{found} {harmless}");
}

#[test]
fn the_key_of_somebody_else_proves_nothing() {
    let place = tempfile::tempdir().unwrap();
    written(place.path());
    let other = place
        .path()
        .parent()
        .unwrap()
        .join("tamis-verify-other-key");
    let other_key = LogKey::new(Secret::from_bytes([4; 32]), "tamis.example/log").unwrap();
    fs::write(&other, other_key.vkey()).unwrap();
    let outcome = prove(&Ask {
        key: Some(other.clone()),
        ..ask(place.path())
    });
    fs::remove_file(other).unwrap();
    assert!(matches!(outcome, Err(Failure::Violation(_))));
}

#[test]
fn a_witness_that_did_not_cosign_is_missed() {
    let (place, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    written(place.path());
    let witness = tamis_protocols::transparency::WitnessKey::new(
        Secret::from_bytes([5; 32]),
        "witness.example",
    );
    let file = keys.path().join("witness");
    fs::write(&file, witness.unwrap().verifier().vkey()).unwrap();
    let outcome = prove(&Ask {
        witnesses: vec![file],
        ..ask(place.path())
    });
    assert!(matches!(outcome, Err(Failure::Witness(_))));
}

#[test]
fn links_in_a_directory_are_not_followed() {
    let (place, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    written(place.path());
    let (link, target) = (
        place.path().join(file::DOCUMENTS),
        elsewhere.path().join("x"),
    );
    fs::rename(&link, &target).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert!(matches!(
        prove(&ask(place.path())),
        Err(Failure::Violation(_))
    ));
}

#[test]
fn a_bomb_stops_at_the_limit_and_writes_no_more() {
    let place = tempfile::tempdir().unwrap();
    let (bomb, out) = (place.path().join("bomb"), place.path().join("out"));
    fs::create_dir(&out).unwrap();
    let mut frame = zstd::stream::write::Encoder::new(Vec::new(), 19).unwrap();
    let mut packer = tamis_protocols::audit::archive::Packer::new(&mut frame);
    let size = 64 << 20;
    packer
        .add(file::MANIFEST, size, &mut std::io::repeat(0))
        .unwrap_err();
    let bytes = frame.finish().unwrap();
    assert!(bytes.len() < 100_000, "a bomb");
    fs::write(&bomb, bytes).unwrap();
    let limits = Limits {
        all: 1 << 20,
        ..Limits::default()
    };
    assert!(unpack(&bomb, &out, limits).is_err());
    assert!(!out.join(file::MANIFEST).exists());
}

#[test]
fn what_is_no_pack_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    for bytes in [&b""[..], b"hello", &[0; 4096], b"\x28\xb5\x2f\xfd\x00\x00"] {
        fs::write(&file, bytes).unwrap();
        assert!(matches!(prove(&ask(&file)), Err(Failure::Pack(_))));
    }
    let nothing = prove(&ask(&place.path().join("nothing")));
    assert!(matches!(nothing, Err(Failure::Usage { .. })));
    let empty = prove(&ask(place.path()));
    assert!(matches!(empty, Err(Failure::Usage { .. })));
}

#[test]
fn a_directory_lists_its_tiles_and_nothing_else() {
    let out = tempfile::tempdir().unwrap();
    let mut log = Directory::new(out.path());
    assert_eq!(log.list().unwrap().unwrap(), Vec::<String>::new());
    for path in ["tile/entries/000.p/3", "tile/0/000.p/3", "key"] {
        log.write(path, b"x").unwrap();
    }
    let mut listed = log.list().unwrap().unwrap();
    listed.sort();
    assert_eq!(listed, ["tile/0/000.p/3", "tile/entries/000.p/3"]);
    assert_eq!(log.read("key").unwrap().unwrap(), b"x");
    assert!(log.read("checkpoint").unwrap().is_none());
}
