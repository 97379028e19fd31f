//! Records drawn and proven, and what a party could try instead.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::story::{id, signing};
use super::*;
use crate::consent::{
    Basis, ConsentRecord, Purposes, RecordProof, commitment, leaf_hash, node_hash,
};
use crate::release::Policy;
use crate::transparency::{Event, open_checkpoint};

/// The records of an upload: every third one is too old.
fn records(n: u32, rows: u64) -> Vec<(ConsentRecord, [u8; 32])> {
    let record = |row: u64| ConsentRecord {
        basis: Some(Basis::Consent),
        purposes: Purposes::parse("1 3 4").unwrap(),
        given_at: Some(
            ["2026-06-01T00:00:00Z", "2020-06-01T00:00:00Z"][usize::from(row % 3 == 2)]
                .parse()
                .unwrap(),
        ),
        source: Some(format!("form-{n}-{row}")),
        ..ConsentRecord::default()
    };
    (0..rows)
        .map(|row| (record(row), [row as u8 ^ n as u8; 32]))
        .collect()
}

fn leaves_of(records: &[(ConsentRecord, [u8; 32])]) -> Vec<[u8; 32]> {
    let leaf = |(record, salt): &(ConsentRecord, [u8; 32])| leaf_hash(&commitment(salt, record));
    records.iter().map(leaf).collect()
}

/// RFC 6962 §2.1, as it is written there.
fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&root(left), &root(right))
        }
    }
}

fn path(row: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let half = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(half);
    let (mut path, beside) = match row < half {
        true => (path(row, left), root(right)),
        false => (path(row - half, right), root(left)),
    };
    path.push(beside);
    path
}

fn proof(n: u32, rows: u64, row: u64) -> RecordProof {
    let records = records(n, rows);
    let (record, salt) = &records[row as usize];
    let path = path(row as usize, &leaves_of(&records));
    RecordProof {
        upload: id(n),
        row,
        rows,
        record: Some(hex::encode(record.to_bytes())),
        salt: Some(hex::encode(salt)),
        leaf: None,
        path: path.iter().map(hex::encode).collect(),
    }
}

/// The same, shown as erased.
fn erased(n: u32, rows: u64, row: u64) -> RecordProof {
    let leaf = leaves_of(&records(n, rows))[row as usize];
    RecordProof {
        record: None,
        salt: None,
        leaf: Some(hex::encode(leaf)),
        ..proof(n, rows, row)
    }
}

/// Rows of the two uploads.
const CRM: (u32, u64) = (40, 11);
const GRAPH: (u32, u64) = (41, 30);

/// A story with two uploads of real records and a sample of twelve.
fn drawn() -> (Story, Vec<(u32, u64)>) {
    let (mut story, _) = Story::opened(Policy::floor());
    let id = story.agree(&story::terms(2, Policy::floor()));
    for ((n, rows), kind) in [(CRM, "crm"), (GRAPH, "graph")] {
        let root = root(&leaves_of(&records(n, rows)));
        story.upload_of(&id, n, kind, (rows, root));
    }
    let checkpoint = story.checkpoint();
    let head = open_checkpoint(checkpoint.as_bytes(), &story.key.vkey()).unwrap();
    story.samples.push(SampleLine::Sample {
        id: story::id(70),
        auditor: "eye".into(),
        checkpoint,
        nonce: "spring".into(),
        n: 12,
        collaboration: Some(id.clone()),
    });
    story.matched(&id, 10, Policy::floor());
    let total = CRM.1 + GRAPH.1;
    let rows = sampling::draw(&head.root, head.size, b"spring", total, 12);
    let places = rows.iter().map(|number| match number.checked_sub(CRM.1) {
        None => (CRM.0, *number),
        Some(row) => (GRAPH.0, row),
    });
    let places = places.collect();
    (story, places)
}

fn answer(party: &str, signer: &str, proofs: Vec<RecordProof>) -> SampleLine {
    let document = Substantiation {
        version: 1,
        sample: id(70),
        party: party.into(),
        proofs,
        remark: None,
    };
    let document = serde_json::to_string(&document).unwrap();
    let signature = sign_substantiation(&signing(signer), document.as_bytes());
    SampleLine::Substantiation {
        document,
        signature: STANDARD.encode(signature),
    }
}

fn rows_of(n: u32) -> u64 {
    if n == CRM.0 { CRM.1 } else { GRAPH.1 }
}

fn proofs(places: &[(u32, u64)], n: u32) -> Vec<RecordProof> {
    let own = places.iter().filter(|(upload, _)| *upload == n);
    own.map(|(n, row)| proof(*n, rows_of(*n), *row)).collect()
}

/// Everything substantiated as it should be.
fn answered() -> (Story, Vec<(u32, u64)>) {
    let (mut story, places) = drawn();
    story
        .samples
        .push(answer("acme", "acme", proofs(&places, CRM.0)));
    story
        .samples
        .push(answer("mapper", "mapper", proofs(&places, GRAPH.0)));
    (story, places)
}

fn wrong(story: &Story) -> Option<Problem> {
    match check(story, &pack(story)) {
        Err(Violation::Sample { problem, .. } | Violation::File { problem, .. }) => Some(problem),
        _ => None,
    }
}

#[test]
fn substantiated_records_are_counted_by_what_their_rule_says() {
    let (story, places) = answered();
    let report = check(&story, &pack(&story)).unwrap();
    let old = places.iter().filter(|(_, row)| row % 3 == 2).count() as u64;
    let [sample] = report.samples.as_slice() else {
        panic!("one sample");
    };
    assert!(old > 0 && places.iter().any(|(n, _)| *n == CRM.0));
    assert_eq!((sample.drawn, sample.permitted), (12, 12 - old));
    assert_eq!(sample.left_out.get("too_old"), Some(&old));
}

#[test]
fn a_record_that_was_drawn_and_not_substantiated_is_found() {
    let (mut story, places) = drawn();
    assert_eq!(wrong(&story), Some(Problem::Unsubstantiated));
    story
        .samples
        .push(answer("mapper", "mapper", proofs(&places, GRAPH.0)));
    assert_eq!(wrong(&story), Some(Problem::Unsubstantiated));
}

#[test]
fn another_record_than_was_drawn_is_found() {
    let (mut story, places) = drawn();
    let other = (0..GRAPH.1)
        .find(|row| !places.contains(&(GRAPH.0, *row)))
        .unwrap();
    let mut chosen = proofs(&places, GRAPH.0);
    chosen[0] = proof(GRAPH.0, GRAPH.1, other);
    story.samples.push(answer("mapper", "mapper", chosen));
    assert_eq!(wrong(&story), Some(Problem::NotDrawn));
    // The record of another row, shown as that of the row that was drawn.
    let (mut story, places) = drawn();
    let mut chosen = proofs(&places, GRAPH.0);
    chosen[0] = RecordProof {
        row: chosen[0].row,
        ..proof(GRAPH.0, GRAPH.1, other)
    };
    story.samples.push(answer("mapper", "mapper", chosen));
    assert_eq!(wrong(&story), Some(Problem::NotIncluded));
}

#[test]
fn a_record_made_better_for_the_auditor_is_found() {
    let (mut story, places) = drawn();
    let mut better = proofs(&places, GRAPH.0);
    let (mut record, _) = records(GRAPH.0, GRAPH.1)[better[0].row as usize].clone();
    record.notice_version = Some("v9".into());
    better[0].record = Some(hex::encode(record.to_bytes()));
    story.samples.push(answer("mapper", "mapper", better));
    assert_eq!(wrong(&story), Some(Problem::NotIncluded));
}

#[test]
fn a_record_shown_as_erased_where_its_side_asked_for_no_erasure_is_found() {
    let (mut story, places) = drawn();
    let mut hidden = proofs(&places, GRAPH.0);
    hidden[0] = erased(GRAPH.0, GRAPH.1, hidden[0].row);
    story
        .samples
        .push(answer("acme", "acme", proofs(&places, CRM.0)));
    story.samples.push(answer("mapper", "mapper", hidden));
    assert_eq!(wrong(&story), Some(Problem::NotErased));
    // A withdrawal, or an erasure of the other side, erases nothing of it.
    let there = story
        .leaves
        .iter()
        .rev()
        .find_map(|leaf| match &leaf.event {
            Event::MatchDecision { collaboration, .. } => Some(collaboration.clone()),
            _ => None,
        });
    let there = there.unwrap();
    story.request("mapper", &there, 90, None);
    story.request("acme", &there, 91, Some("erasure"));
    assert_eq!(wrong(&story), Some(Problem::NotErased));
    // Once it asked, it can be so, and is counted.
    story.request("mapper", &there, 92, Some("erasure"));
    let report = check(&story, &pack(&story)).unwrap();
    assert_eq!(report.samples[0].erased, 1);
}

#[test]
fn nobody_substantiates_for_another() {
    let (mut story, places) = drawn();
    story
        .samples
        .push(answer("mapper", "acme", proofs(&places, GRAPH.0)));
    assert_eq!(wrong(&story), Some(Problem::Signature));
    let (mut story, places) = drawn();
    story
        .samples
        .push(answer("acme", "acme", proofs(&places, GRAPH.0)));
    assert_eq!(wrong(&story), Some(Problem::NotItsOwn));
}

#[test]
fn a_sample_of_a_checkpoint_that_the_log_never_had_is_found() {
    let (mut story, _) = answered();
    let (mut other, _) = Story::opened(Policy::floor());
    other.enrol("dsp-z", "destination");
    if let SampleLine::Sample { checkpoint, .. } = &mut story.samples[0] {
        *checkpoint = other.checkpoint();
    }
    assert!(matches!(
        check(&story, &pack(&story)),
        Err(Violation::Earlier { .. })
    ));
}

#[test]
fn samples_and_answers_out_of_their_order_are_found() {
    let (story, _) = answered();
    for order in [&[1, 0, 2][..], &[0, 1, 2, 2], &[0, 1, 2, 0], &[1]] {
        let (mut altered, _) = answered();
        altered.samples = order.iter().map(|at| story.samples[*at].clone()).collect();
        assert!(check(&altered, &pack(&altered)).is_err(), "{order:?}");
    }
}

#[test]
fn every_flipped_bit_of_a_sample_is_found_under_a_manifest_made_anew() {
    let (story, _) = answered();
    let store = pack(&story);
    let summary = String::from_utf8(store.files[file::SUMMARY].clone()).unwrap();
    for at in 0..store.files[file::SAMPLES].len() {
        let mut altered = store.clone();
        altered.files.get_mut(file::SAMPLES).unwrap()[at] ^= 1 << (at % 8);
        close(&story, &mut altered, summary.clone());
        assert!(check(&story, &altered).is_err(), "byte {at}");
    }
}
