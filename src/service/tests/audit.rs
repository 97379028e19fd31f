//! What an auditor is shown: a pack made of it holds, and nobody else sees it.

use std::collections::BTreeSet;
use std::fs;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tamis_protocols::audit::{
    Document, Evidence, Manifest, Substantiation, audit, file, sign_substantiation, summarise,
};
use tamis_protocols::consent::RecordProof;
use tamis_protocols::transparency::{MemoryStore, TileStore as _, open_checkpoint, paths};
use tamis_protocols::wire::api::*;

use super::world::ALL;
use super::{Person, World, code};
use crate::service::ServiceError;

/// Both uploaded, an audience was decided and delivered, somebody tightened, and an auditor watches.
async fn watched() -> (World, String) {
    let (mut world, collaboration) = World::agreed().await;
    world.enrol("eye", Role::Auditor).await;
    let persons = Person::many(1_200, 0);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    (world, collaboration)
}

/// The pack that an auditor makes of what the service shows.
async fn packed(world: &World) -> MemoryStore {
    let (watch, vkey) = (world.caller("eye"), world.service.log_key());
    let mut store = MemoryStore::default();
    let checkpoint = world.service.checkpoint().await.unwrap();
    let head = open_checkpoint(checkpoint.as_bytes(), &vkey).unwrap();
    for path in paths(head.size) {
        let tile = world.service.tile(&path).await.unwrap().unwrap();
        store.write(&path, &tile).unwrap();
    }
    let (mut lines, mut known, mut from) = (String::new(), BTreeSet::new(), Some(0));
    while let Some(page) = from {
        let view = world.service.audit_documents(&watch, page).await.unwrap();
        for one in view.documents.iter().filter(|one| one.leaf < head.size) {
            let document: Document = serde_json::from_str(&one.line).unwrap();
            let new = match &document {
                Document::Policy { policy, .. } => known.insert(policy.digest()),
                _ => true,
            };
            if new {
                lines += &format!("{}\n", one.line);
            }
        }
        from = view.next;
    }
    let mut samples = String::new();
    for sample in world
        .service
        .samples(&watch)
        .await
        .unwrap()
        .items
        .iter()
        .rev()
    {
        let whole = world.service.sample(&watch, &sample.id).await.unwrap();
        samples += &whole
            .lines
            .iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>();
    }
    for (path, content) in [
        ("checkpoint", checkpoint.as_str()),
        (file::DOCUMENTS, &lines),
        (file::SAMPLES, &samples),
        (file::EARLIER, ""),
        (file::KEY, &format!("{vkey}\n")),
    ] {
        store.write(path, content.as_bytes()).unwrap();
    }
    let summary = summarise(&store, &vkey).map(|report| report.summary);
    store
        .write(file::SUMMARY, summary.unwrap_or_default().as_bytes())
        .unwrap();
    let manifest = Manifest::of(&store, &head).unwrap().to_bytes();
    store.write(file::MANIFEST, &manifest).unwrap();
    store
}

/// A signed answer of a party with these proofs.
fn answer(
    world: &World,
    party: &str,
    sample: &str,
    proofs: Vec<RecordProof>,
) -> SubstantiationRequest {
    let document = Substantiation {
        version: Substantiation::VERSION,
        sample: sample.to_owned(),
        party: party.to_owned(),
        proofs,
        remark: None,
    };
    let document = serde_json::to_string(&document).unwrap();
    let signature = sign_substantiation(&world.keys[party], document.as_bytes());
    SubstantiationRequest {
        document,
        signature: BASE64_STANDARD.encode(signature),
    }
}

/// Proofs of everything that is open for a party.
async fn proofs(world: &World, party: &str, sample: &str) -> Vec<RecordProof> {
    let caller = world.caller(party);
    let view = world.service.sample(&caller, sample).await.unwrap();
    let mut proofs = Vec::new();
    for record in view.records {
        let found = world
            .service
            .record_proof(&caller, &record.upload, record.row)
            .await;
        proofs.push(found.unwrap().proof);
    }
    proofs
}

async fn draw(world: &World, n: u32) -> SampleView {
    let request = SampleRequest {
        n,
        nonce: "spring".into(),
        collaboration: None,
    };
    world
        .service
        .draw_sample(&world.caller("eye"), request)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_pack_of_a_service_that_keeps_its_promises_holds() {
    let (world, _) = watched().await;
    let sample = draw(&world, 40).await;
    for party in ["shop", "graphs"] {
        let proofs = proofs(&world, party, &sample.id).await;
        assert!(!proofs.is_empty(), "{party}");
        let request = answer(&world, party, &sample.id, proofs);
        let caller = world.caller(party);
        let view = world
            .service
            .substantiate(&caller, &sample.id, request)
            .await
            .unwrap();
        assert_eq!(view.open, 0);
    }
    let store = packed(&world).await;
    assert!(!store.others().unwrap().is_empty());
    let report = audit(&store, &world.service.log_key(), &[]).unwrap();
    assert_eq!((report.samples.len(), report.samples[0].drawn), (1, 40));
    assert!(report.not_checked.is_empty());
    let [books] = report.collaborations.as_slice() else {
        panic!("one collaboration");
    };
    // At both destinations.
    assert_eq!((books.uploads, books.deliveries), (2, 2));
    assert!(books.charged > 0);
}

#[tokio::test]
async fn a_pack_with_an_open_sample_does_not_hold() {
    let (world, _) = watched().await;
    draw(&world, 10).await;
    let found = audit(&packed(&world).await, &world.service.log_key(), &[]).unwrap_err();
    assert!(found.to_string().contains("not substantiated"), "{found}");
}

#[tokio::test]
async fn a_sample_is_drawn_alike_twice_from_the_same_checkpoint_and_nonce() {
    let (world, _) = watched().await;
    let (one, other) = (draw(&world, 25).await, draw(&world, 25).await);
    let shop = world.caller("shop");
    let first = world.service.sample(&shop, &one.id).await.unwrap().records;
    let second = world
        .service
        .sample(&shop, &other.id)
        .await
        .unwrap()
        .records;
    assert_eq!((one.drawn, first), (25, second));
}

#[tokio::test]
async fn only_auditors_see_documents_counts_and_lines_and_a_party_only_its_own_records() {
    let (world, _) = watched().await;
    let sample = draw(&world, 30).await;
    for party in ["shop", "graphs", "dsp-a"] {
        let caller = world.caller(party);
        let documents = world.service.audit_documents(&caller, 0).await;
        assert!(matches!(documents, Err(ServiceError::NotFound)), "{party}");
        let report = world.service.consent_report(&caller).await;
        assert!(matches!(report, Err(ServiceError::NotFound)), "{party}");
        let request = SampleRequest {
            n: 1,
            nonce: String::new(),
            collaboration: None,
        };
        let drawn = world.service.draw_sample(&caller, request).await;
        assert!(matches!(drawn, Err(ServiceError::NotFound)), "{party}");
    }
    let stranger = world
        .service
        .sample(&world.caller("dsp-a"), &sample.id)
        .await;
    assert!(matches!(stranger, Err(ServiceError::NotFound)));
    let own = world
        .service
        .sample(&world.caller("shop"), &sample.id)
        .await
        .unwrap();
    let theirs = world
        .service
        .sample(&world.caller("graphs"), &sample.id)
        .await
        .unwrap();
    assert!(own.lines.is_empty() && theirs.lines.is_empty());
    assert_eq!(own.drawn + theirs.drawn, 30);
    let uploads: BTreeSet<_> = own.records.iter().map(|one| &one.upload).collect();
    assert!(
        theirs
            .records
            .iter()
            .all(|one| !uploads.contains(&one.upload))
    );
}

#[tokio::test]
async fn what_a_verifier_would_refuse_is_refused_when_it_is_sent() {
    let (world, _) = watched().await;
    let sample = draw(&world, 30).await;
    let shop = world.caller("shop");
    let own = proofs(&world, "shop", &sample.id).await;
    let foreign = proofs(&world, "graphs", &sample.id).await;
    let send = async |request| {
        let sent = world.service.substantiate(&shop, &sample.id, request).await;
        sent.map_err(|error| code(&error))
    };
    let refused = send(answer(&world, "shop", &sample.id, foreign.clone())).await;
    assert_eq!(refused.unwrap_err(), "not_drawn", "another's record");
    let refused = send(answer(&world, "graphs", &sample.id, own.clone())).await;
    assert_eq!(
        refused.unwrap_err(),
        "invalid_substantiation",
        "in another's name"
    );
    let mut forged = answer(&world, "shop", &sample.id, own.clone());
    forged.signature = answer(&world, "graphs", &sample.id, own.clone()).signature;
    assert_eq!(send(forged).await.unwrap_err(), "invalid_signature");
    let mut better = own.clone();
    better[0].salt = Some("00".repeat(32));
    let refused = send(answer(&world, "shop", &sample.id, better)).await;
    assert_eq!(
        refused.unwrap_err(),
        "invalid_substantiation",
        "another salt"
    );
    let refused = send(answer(&world, "shop", &sample.id, Vec::new())).await;
    assert_eq!(refused.unwrap_err(), "invalid_substantiation", "no proof");
    // Nothing of what was refused was taken.
    send(answer(&world, "shop", &sample.id, own.clone()))
        .await
        .unwrap();
    let again = send(answer(&world, "shop", &sample.id, own)).await;
    assert_eq!(again.unwrap_err(), "not_drawn", "twice");
}

#[tokio::test]
async fn counts_of_consent_records_have_no_small_cell() {
    let (world, _) = watched().await;
    let report = world
        .service
        .consent_report(&world.caller("eye"))
        .await
        .unwrap();
    assert_eq!(report.uploads.len(), 2);
    for upload in &report.uploads {
        assert_eq!(upload.fields.len(), 7);
        let cells = upload.fields.values().flat_map(|cells| cells.told.values());
        assert!(cells.clone().count() > 0);
        assert!(cells.clone().all(|count| *count >= 10));
    }
}

#[tokio::test]
async fn a_party_that_enrolled_again_is_proven_by_the_keys_of_that_time() {
    let (mut world, _) = watched().await;
    world.enrol("shop", Role::Advertiser).await;
    world.work(&ALL).await;
    let store = packed(&world).await;
    audit(&store, &world.service.log_key(), &[]).unwrap();
    assert!(fs::metadata(world.path().join("log/checkpoint")).is_ok());
}
