//! Proving own consent records: from the record over the upload's batch head and leaf to the checkpoint.
//!
//! ```text
//! record, salt ─ path ─▶ batch head in the leaf ─ path ─▶ root in the checkpoint ─ signature ─▶ log key
//! ```
//! Everything that the service says is checked here before it is shown, against the log key that this party
//! was given at its invitation. The service learns which tokens are asked for; it has them from the uploads.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tamis_protocols::consent::{ConsentRecord, ProofError, RecordProof};
use tamis_protocols::token::Token;
use tamis_protocols::transparency::{Event, Leaf, check_inclusion, open_checkpoint};
use tamis_protocols::wire::api::{LoggedView, RecordsRequest, RecordsView};

use super::error::ExchangeError;
use super::paths;
use super::session::Session;

/// Tokens of one question; the service takes up to 1,000.
const TOKENS: usize = 500;

/// A record that was proven.
#[derive(Serialize)]
pub struct Proven {
    /// The token by which it was found, hexadecimal.
    pub token: String,
    /// Proof of the record in its upload.
    pub proof: RecordProof,
    /// What it says; none of one that was erased.
    #[serde(skip)]
    pub record: Option<ConsentRecord>,
}

/// Own records with everything that proves them.
#[derive(Serialize)]
pub struct Evidence {
    /// The key that checkpoints were checked with.
    pub log_key: String,
    /// The leaves that the records lead to, by upload, each with the checkpoint it leads to.
    pub uploads: BTreeMap<String, LoggedView>,
    /// The records, newest uploads first.
    pub records: Vec<Proven>,
}

/// Asks for the records of `tokens` and checks every one down to the signature of a checkpoint.
///
/// # Errors
/// What does not check out is [`ExchangeError::Tampered`].
pub async fn prove(
    session: &Session,
    collaboration: &str,
    tokens: &[Token],
) -> Result<Evidence, ExchangeError> {
    let mut evidence = Evidence {
        log_key: session.membership.log_key.trim().to_owned(),
        uploads: BTreeMap::new(),
        records: Vec::new(),
    };
    // A row with several of the tokens is one record.
    let mut seen = BTreeSet::new();
    let mut waiting: Vec<_> = tokens.chunks(TOKENS).rev().collect();
    while let Some(some) = waiting.pop() {
        let request = RecordsRequest {
            tokens: some.iter().map(|token| hex::encode(token.0)).collect(),
        };
        let path = paths::records(collaboration);
        let view: RecordsView = session.client.post(&path, &request).await?;
        if view.more && some.len() > 1 {
            let (one, other) = some.split_at(some.len() / 2);
            waiting.extend([other, one]);
            continue;
        }
        add(&mut evidence, &mut seen, view)?;
    }
    Ok(evidence)
}

/// Checks an answer and adds it.
fn add(
    evidence: &mut Evidence,
    seen: &mut BTreeSet<(String, u64)>,
    view: RecordsView,
) -> Result<(), ExchangeError> {
    let mut heads = BTreeMap::new();
    for logged in view.logged {
        let (upload, head) = head(&logged, &evidence.log_key)?;
        heads.insert(logged.index, (upload.clone(), head));
        evidence.uploads.insert(upload, logged);
    }
    for one in view.items {
        let Some((upload, head)) = heads.get(&one.log_index) else {
            return Err(ExchangeError::Lacking {
                what: "the newest upload is not in the published log yet".to_owned(),
                next: "Run the command again in a moment.".to_owned(),
            });
        };
        let tampered = || ExchangeError::Tampered("a consent record");
        if *upload != one.proof.upload {
            return Err(tampered());
        }
        let record = match one.proof.check(head) {
            Ok(record) => Some(record),
            Err(ProofError::Erased) => None,
            Err(_) => return Err(tampered()),
        };
        if seen.insert((upload.clone(), one.proof.row)) {
            evidence.records.push(Proven {
                token: one.token,
                proof: one.proof,
                record,
            });
        }
    }
    Ok(())
}

/// The upload that a leaf speaks of, and its batch head, once the leaf is proven to be in the log.
pub(super) fn head(logged: &LoggedView, key: &str) -> Result<(String, [u8; 32]), ExchangeError> {
    let tampered = || ExchangeError::Tampered("the log's leaf of an upload");
    let opened = open_checkpoint(logged.checkpoint.as_bytes(), key)
        .ok_or(ExchangeError::Tampered("the log's checkpoint"))?;
    let mut path = Vec::new();
    for text in &logged.path {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(|_| tampered())?;
        path.push(hash);
    }
    let leaf = logged.leaf.as_bytes();
    if !check_inclusion(&path, opened.size, &opened.root, logged.index, leaf) {
        return Err(tampered());
    }
    let Ok(Event::Upload {
        upload,
        consent_root,
        ..
    }) = Leaf::parse(leaf).map(|leaf| leaf.event)
    else {
        return Err(tampered());
    };
    let mut head = [0; 32];
    hex::decode_to_slice(&consent_root, &mut head).map_err(|_| tampered())?;
    Ok((upload, head))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use tamis_keys::Secret;
    use tamis_protocols::consent::{RootBuilder, batch_head, commitment};
    use tamis_protocols::transparency::{LogKey, MemoryStore, inclusion_proof, publish};
    use tamis_protocols::wire::api::RecordView;

    use super::*;

    const UPLOAD: &str = "0123456789abcdef0123456789abcdef";

    fn log_key(seed: u8) -> LogKey {
        LogKey::new(Secret::from_bytes([seed; 32]), "tamis.example/log").unwrap()
    }

    /// What an honest service answers of one record.
    fn answer() -> RecordsView {
        let record = ConsentRecord {
            source: Some("app".to_owned()),
            ..ConsentRecord::default()
        };
        let mut root = RootBuilder::new();
        root.push(commitment(&[5; 32], &record));
        let event = Event::Upload {
            collaboration: "1".repeat(32),
            upload: UPLOAD.to_owned(),
            kind: "crm".to_owned(),
            consent_root: hex::encode(batch_head(1, &root.finish())),
            mode: None,
            parent: None,
            bridge: None,
        };
        let leaf = Leaf::new("2026-11-22T09:00:00Z".to_owned(), "acme", event, None).to_bytes();
        let mut store = MemoryStore::default();
        let leaves = [leaf.clone(), leaf.clone(), leaf.clone()];
        let (size, root) = publish(0, &leaves, &mut store).unwrap();
        let path = inclusion_proof(&store, size, &root, 1).unwrap();
        RecordsView {
            items: vec![RecordView {
                token: "2".repeat(32),
                proof: RecordProof {
                    upload: UPLOAD.to_owned(),
                    row: 0,
                    rows: 1,
                    record: Some(hex::encode(record.to_bytes())),
                    salt: Some(hex::encode([5; 32])),
                    leaf: None,
                    path: Vec::new(),
                },
                log_index: 1,
            }],
            logged: vec![LoggedView {
                index: 1,
                leaf: String::from_utf8(leaf).unwrap(),
                path: path.iter().map(hex::encode).collect(),
                checkpoint: log_key(7).sign_checkpoint(size, &root),
            }],
            more: false,
        }
    }

    fn check(view: RecordsView) -> Result<Evidence, ExchangeError> {
        let mut evidence = Evidence {
            log_key: log_key(7).vkey(),
            uploads: BTreeMap::new(),
            records: Vec::new(),
        };
        add(&mut evidence, &mut BTreeSet::new(), view).map(|()| evidence)
    }

    #[test]
    fn a_record_is_proven_down_to_the_checkpoint() {
        let evidence = check(answer()).unwrap();
        let record = evidence.records[0].record.as_ref().unwrap();
        assert_eq!(record.source.as_deref(), Some("app"));
        assert!(evidence.uploads[UPLOAD].leaf.contains(UPLOAD));
        // Asked for by two tokens it is one record.
        let mut twice = answer();
        twice.items.push(twice.items[0].clone());
        assert_eq!(check(twice).unwrap().records.len(), 1);
    }

    #[test]
    fn a_service_that_lies_about_a_record_or_its_log_is_found_out() {
        let lies: [&dyn Fn(&mut RecordsView); 10] = [
            &|view| view.items[0].proof.salt = Some("00".repeat(32)),
            &|view| view.items[0].proof.rows = 2,
            &|view| view.items[0].proof.upload = "f".repeat(32),
            &|view| view.items[0].log_index = 0,
            &|view| view.logged[0].index = 0,
            &|view| view.logged[0].leaf = view.logged[0].leaf.replace("acme", "acmf"),
            &|view| view.logged[0].path[0] = "0".repeat(64),
            &|view| view.logged[0].path.clear(),
            &|view| {
                let forged = log_key(8).sign_checkpoint(3, &[0; 32]);
                view.logged[0].checkpoint = forged;
            },
            &|view| view.logged.clear(),
        ];
        for (number, lie) in lies.into_iter().enumerate() {
            let mut view = answer();
            lie(&mut view);
            assert!(check(view).is_err(), "lie {number}");
        }
    }
}
