//! Consent records through the service: proven by their owner alone.

use std::fs;
use std::path::{Path, PathBuf};

use tamis_protocols::consent::{ConsentRecord, ProofError};
use tamis_protocols::transparency::{Event, Leaf, check_inclusion, open_checkpoint};
use tamis_protocols::wire::api::*;

use super::population::{CROWD, crm_alone};
use super::world::ALL;
use super::{Person, World};
use crate::service::ServiceError;

/// The upload of a side.
pub(super) async fn upload(world: &World, side: &str) -> String {
    let uploads = world.service.uploads(&world.caller(side)).await.unwrap();
    uploads[0].id.clone()
}

pub(super) async fn prove(
    world: &World,
    side: &str,
    upload: &str,
    row: u64,
) -> Result<RecordProofView, ServiceError> {
    let caller = world.caller(side);
    world.service.record_proof(&caller, upload, row).await
}

pub(super) async fn ask(
    world: &World,
    side: &str,
    collaboration: &str,
    persons: &[Person],
) -> Result<RecordsView, ServiceError> {
    let tokens = persons.iter();
    let request = RecordsRequest {
        tokens: tokens.map(|one| hex::encode(one.token().0)).collect(),
    };
    let caller = world.caller(side);
    world.service.records(&caller, collaboration, request).await
}

/// The batch head that the log has of an upload.
async fn head(world: &World, upload: &str) -> [u8; 32] {
    let events = world.events().await;
    let root = events.iter().find_map(|event| match event {
        Event::Upload {
            upload: id,
            consent_root,
            ..
        } if id == upload => Some(consent_root),
        _ => None,
    });
    hex::decode(root.unwrap()).unwrap().try_into().unwrap()
}

pub(super) fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

pub(super) fn records(world: &World, upload: &str) -> PathBuf {
    world.path().join("consent").join(upload)
}

/// The record of each of the 220 people, who are the first rows; none where it was erased.
pub(super) async fn all(world: &World, side: &str, upload: &str) -> Vec<Option<ConsentRecord>> {
    let head = head(world, upload).await;
    let mut found = Vec::new();
    for row in 0..220 {
        let view = prove(world, side, upload, row).await.unwrap();
        found.push(match view.proof.check(&head) {
            Ok(record) => Some(record),
            Err(ProofError::Erased) => None,
            Err(error) => panic!("{error}"),
        });
    }
    found
}

#[tokio::test]
async fn an_owner_proves_every_record_from_the_row_to_the_signed_checkpoint() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    for side in ["shop", "graphs"] {
        let upload = upload(&world, side).await;
        let found = all(&world, side, &upload).await;
        assert!(found.iter().all(Option::is_some));
        let view = prove(&world, side, &upload, 7).await.unwrap();
        let logged = view.logged.unwrap();
        let key = world.service.log_key();
        let opened = open_checkpoint(logged.checkpoint.as_bytes(), &key).unwrap();
        let path: Vec<[u8; 32]> = (logged.path.iter())
            .map(|hash| hex::decode(hash).unwrap().try_into().unwrap())
            .collect();
        let leaf = logged.leaf.as_bytes();
        assert_eq!(logged.index, view.log_index);
        assert!(check_inclusion(
            &path,
            opened.size,
            &opened.root,
            logged.index,
            leaf
        ));
        let event = Leaf::parse(leaf).unwrap().event;
        assert!(matches!(event, Event::Upload { upload: id, .. } if id == upload));
    }
}

#[tokio::test]
async fn another_party_or_another_row_is_not_there() {
    let (mut world, collaboration) = World::agreed().await;
    world.enrol("rival", Role::Advertiser).await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    let own = upload(&world, "shop").await;
    for (side, upload, row) in [
        ("graphs", own.as_str(), 0),
        ("rival", &own, 0),
        ("dsp-a", &own, 0),
        ("shop", &own, u64::from(CROWD)),
        ("shop", &own, u64::MAX),
        ("shop", &"0".repeat(32), 0),
        ("shop", "x", 0),
    ] {
        let found = prove(&world, side, upload, row).await;
        assert!(matches!(found, Err(ServiceError::NotFound)), "{side} {row}");
    }
    for side in ["rival", "dsp-a"] {
        let found = ask(&world, side, &collaboration, &persons[..1]).await;
        assert!(matches!(found, Err(ServiceError::NotFound)), "{side}");
    }
}

#[tokio::test]
async fn a_lookup_finds_own_records_and_is_the_same_whoever_the_other_side_knows() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(320, 0);
    let (known, unknown) = (&persons[..220], &persons[100..]);
    let rows = super::crm(&collaboration, known);
    world.send("shop", &collaboration, &rows).await;
    let rows = super::graph(&collaboration, unknown);
    world.send("graphs", &collaboration, &rows).await;
    world.work(&ALL).await;
    let own = upload(&world, "shop").await;
    let head = head(&world, &own).await;
    // Persons 0 to 99 are the advertiser's alone, 100 to 219 of both, those from 220 the partner's alone.
    let found = ask(&world, "shop", &collaboration, &known[90..110])
        .await
        .unwrap();
    assert_eq!((found.items.len(), found.more), (20, false));
    for item in &found.items {
        assert_eq!(item.proof.upload, own);
        item.proof.check(&head).unwrap();
    }
    assert_eq!(found.logged.len(), 1);
    let theirs = ask(&world, "shop", &collaboration, &unknown[150..])
        .await
        .unwrap();
    assert!(theirs.items.is_empty() && theirs.logged.is_empty());
    for tokens in [Vec::new(), vec!["0".repeat(32); 1_001], vec!["x".into()]] {
        let caller = world.caller("shop");
        let request = RecordsRequest { tokens };
        let found = world
            .service
            .records(&caller, &collaboration, request)
            .await;
        assert!(matches!(found, Err(ServiceError::Invalid { .. })));
    }
}

#[tokio::test]
async fn an_upload_that_is_refused_keeps_no_records() {
    let (world, collaboration) = World::agreed().await;
    // Far fewer rows than the policy asks for, which is seen when they are sealed; and what is no upload.
    let few = crm_alone(&collaboration, &Person::many(3, 0));
    for bytes in [&few[..], &[0; 64]] {
        let id = world.send("shop", &collaboration, bytes).await;
        world.work(&ALL).await;
        assert_eq!(world.view("shop", &id).await.state, UploadState::Refused);
        let found = prove(&world, "shop", &id, 0).await;
        assert!(matches!(
            found,
            Err(ServiceError::Conflict {
                code: "no_records",
                ..
            })
        ));
        assert!(names(&world.path().join("consent")).is_empty());
    }
}
