#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
//! Proofs of single records, and parting records.

use jiff::Timestamp;
use proptest::prelude::*;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::super::*;

#[derive(Deserialize)]
struct Vectors {
    roots: Vec<Root>,
    proofs: Vec<Proof>,
}

#[derive(Deserialize)]
struct Root {
    leaves: u64,
    head: String,
}

#[derive(Deserialize)]
struct Proof {
    outcome: String,
    why: String,
    consent_root: String,
    proof: RecordProof,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../vectors/proof.json")).unwrap()
}

fn hash(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

#[test]
fn batch_heads_equal_an_independent_computation() {
    for vector in vectors().roots {
        let mut builder = RootBuilder::new();
        for number in 0..vector.leaves {
            builder.push(Sha256::digest(number.to_be_bytes()).into());
        }
        let head = batch_head(vector.leaves, &builder.finish());
        assert_eq!(hex::encode(head), vector.head, "{}", vector.leaves);
    }
}

#[test]
fn every_proof_holds_or_fails_as_an_independent_computation_says() {
    for vector in vectors().proofs {
        let checked = vector.proof.check(&hash(&vector.consent_root));
        let outcome = match &checked {
            Ok(record) => {
                assert_eq!(Some(hex::encode(record.to_bytes())), vector.proof.record);
                "record"
            }
            Err(ProofError::Erased) => "erased",
            Err(ProofError::Root) => "root",
            Err(ProofError::Record) => "record bytes",
            Err(ProofError::Malformed) => "malformed",
        };
        assert_eq!(outcome, vector.outcome, "{}", vector.why);
    }
}

#[test]
fn a_proof_is_written_as_it_is_read_and_nothing_else_is_read() {
    for vector in vectors().proofs {
        let json = serde_json::to_string(&vector.proof).unwrap();
        assert_eq!(
            serde_json::from_str::<RecordProof>(&json).unwrap(),
            vector.proof
        );
        let more = json.replacen('{', "{\"more\":1,", 1);
        assert!(serde_json::from_str::<RecordProof>(&more).is_err());
    }
}

#[test]
fn no_changed_digit_of_a_proof_passes() {
    let all = vectors().proofs;
    let vector = all
        .iter()
        .find(|one| one.outcome == "record" && one.proof.rows == 13)
        .unwrap();
    let root = hash(&vector.consent_root);
    let json = serde_json::to_string(&vector.proof).unwrap();
    // The upload's name is what the root is looked up by; no digit behind it is free.
    let from = json.find("\"row\"").unwrap();
    for at in from..json.len() {
        for digit in *b"0123456789abcdef" {
            let mut forged = json.clone().into_bytes();
            if !forged[at].is_ascii_hexdigit() || forged[at] == digit {
                continue;
            }
            forged[at] = digit;
            if let Ok(forged) = serde_json::from_slice::<RecordProof>(&forged) {
                assert!(forged.check(&root).is_err(), "byte {at}");
            }
        }
    }
}

#[test]
fn an_inner_node_or_another_size_is_no_record_of_the_batch() {
    // The attack: show the hash of an inner node as the leaf of a smaller tree with the same root.
    let leaves: Vec<[u8; 32]> = (0..4_u8).map(|n| leaf_hash(&[n; 32])).collect();
    let (left, right) = (
        node_hash(&leaves[0], &leaves[1]),
        node_hash(&leaves[2], &leaves[3]),
    );
    let root = node_hash(&left, &right);
    let forged = RecordProof {
        upload: "0".repeat(32),
        row: 0,
        rows: 2,
        record: None,
        salt: None,
        leaf: Some(hex::encode(left)),
        path: vec![hex::encode(right)],
    };
    assert_eq!(path_root(0, 2, left, &[right]), Some(root));
    let head = batch_head(4, &root);
    assert_eq!(forged.check(&head), Err(ProofError::Root));
}

fn records() -> impl Strategy<Value = ConsentRecord> {
    let at = proptest::option::of(-1_000_000_000_i64..4_000_000_000);
    let text = || proptest::option::of("[a-z]{0,9}");
    (
        0_u8..7,
        0_u32..1 << 24,
        at.clone(),
        text(),
        text(),
        any::<bool>(),
        at,
        0_u8..8,
    )
        .prop_map(
            |(basis, purposes, given, notice, source, opposed, until, more)| {
                let time = |at: i64| Timestamp::from_second(at).unwrap();
                let mut record = ConsentRecord {
                    basis: Basis::from_code(basis),
                    purposes: Purposes(purposes),
                    given_at: given.map(time),
                    notice_version: notice,
                    source,
                    opposed,
                    ..ConsentRecord::default()
                };
                if more & 1 > 0 {
                    record.details_mut().record_id = Some("r1".to_owned());
                }
                if more & 2 > 0 {
                    record.details_mut().valid_until = until.map(time);
                    record.details_mut().language = Some("fr".to_owned());
                }
                if more & 4 > 0 {
                    record.details_mut().history = vec![ConsentEvent {
                        state: ConsentState::Given,
                        at: time(5),
                    }];
                }
                record
            },
        )
}

proptest! {
    #[test]
    fn what_was_parted_is_joined_again(record in records()) {
        let (bytes, mut shape) = (record.to_bytes(), vec![9; 3]);
        let own = part(&record, &bytes, &mut shape);
        prop_assert_eq!(join(&shape, &own).unwrap(), bytes);
        prop_assert_eq!(is_timed(&shape), record.given_at.is_some());
        let alone = shape_of(&shape).unwrap();
        prop_assert_eq!(alone.given_at, None);
        prop_assert_eq!(&alone.source, &record.source);
        prop_assert_eq!(&alone.details().record_id, &None);
    }

    #[test]
    fn records_that_differ_in_their_own_fields_share_a_shape(record in records(), at in 0_i64..1 << 32) {
        let mut other = record.clone();
        other.given_at = record.given_at.and_then(|_| Timestamp::from_second(at).ok());
        other.details_mut().record_id = Some("other".to_owned());
        other.details_mut().history = Vec::new();
        let (mut one, mut two) = (Vec::new(), Vec::new());
        part(&record, &record.to_bytes(), &mut one);
        part(&other, &other.to_bytes(), &mut two);
        prop_assert_eq!(one, two);
    }

    #[test]
    fn whatever_is_joined_or_checked_never_panics(
        shape in proptest::collection::vec(any::<u8>(), 0..40),
        rest in proptest::collection::vec(any::<u8>(), 0..40),
        at in any::<Option<i64>>(),
        (row, rows) in any::<(u64, u64)>(),
        path in proptest::collection::vec(any::<[u8; 32]>(), 0..50),
    ) {
        let _ = join(&shape, &Own { at, rest });
        let _ = shape_of(&shape);
        let _ = path_root(row, rows, [0; 32], &path);
    }
}
