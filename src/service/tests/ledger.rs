//! Consent records through the service: proven by their owner alone, and erased for good.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tamis_protocols::consent::{ConsentRecord, ProofError};
use tamis_protocols::token::Token;
use tamis_protocols::transparency::{Event, Leaf, check_inclusion, open_checkpoint};
use tamis_protocols::wire::api::*;

use super::population::{CROWD, crm_alone};
use super::world::ALL;
use super::{Person, World};
use crate::domain::id::Id;
use crate::service::ServiceError;
use crate::service::work::{Held, JobError};
use crate::store::jobs::JobKind;
use crate::store::snapshot;

/// The upload of a side.
async fn upload(world: &World, side: &str) -> String {
    let uploads = world.service.uploads(&world.caller(side)).await.unwrap();
    uploads[0].id.clone()
}

async fn prove(
    world: &World,
    side: &str,
    upload: &str,
    row: u64,
) -> Result<RecordProofView, ServiceError> {
    let caller = world.caller(side);
    world.service.record_proof(&caller, upload, row).await
}

async fn ask(
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

fn tokens(persons: &[Person]) -> Vec<Token> {
    let mut tokens: Vec<_> = persons.iter().map(Person::token).collect();
    tokens.sort_unstable();
    tokens
}

/// A job under which something is erased.
async fn held(world: &World) -> Held {
    world.service.queue_sweep().await.unwrap();
    let held = world.lease(&world.service, JobKind::Expire).await;
    held.unwrap()
}

async fn erase(world: &World, side: &str, collaboration: &str, persons: &[Person]) {
    let held = held(world).await;
    let id = Id::parse(collaboration).unwrap();
    let tokens = tokens(persons);
    let erased = world.service.erase_records(&held, side, id, &tokens);
    erased.await.unwrap();
    world.service.run(&held, &world.outbound()).await.unwrap();
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

fn records(world: &World, upload: &str) -> PathBuf {
    world.path().join("consent").join(upload)
}

/// The record of each of the 220 people, who are the first rows; none where it was erased.
async fn all(world: &World, side: &str, upload: &str) -> Vec<Option<ConsentRecord>> {
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
async fn erasing_takes_the_records_of_these_people_on_one_side_and_no_others() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    let own = upload(&world, "shop").await;
    let before = all(&world, "shop", &own).await;
    erase(&world, "shop", &collaboration, &persons[10..13]).await;
    let after = all(&world, "shop", &own).await;
    let gone = after.iter().filter(|record| record.is_none()).count();
    assert_eq!(gone, 3);
    for (before, after) in before.iter().zip(&after) {
        assert!(after.is_none() || before == after);
    }
    let left = ask(&world, "shop", &collaboration, &persons[9..14])
        .await
        .unwrap();
    assert_eq!(left.items.len(), 2);
    // The other controller keeps its own.
    let theirs = ask(&world, "graphs", &collaboration, &persons[9..14])
        .await
        .unwrap();
    assert_eq!(theirs.items.len(), 5);
    assert_eq!(
        names(&records(&world, &own)),
        ["hashes", "head", "records.0.1"]
    );
    // Again, it finds nobody; others later find their chunk.
    erase(&world, "shop", &collaboration, &persons[10..13]).await;
    assert_eq!(all(&world, "shop", &own).await, after);
    assert_eq!(
        names(&records(&world, &own)),
        ["hashes", "head", "records.0.1"]
    );
    erase(&world, "shop", &collaboration, &persons[20..21]).await;
    assert_eq!(
        names(&records(&world, &own)),
        ["hashes", "head", "records.0.2"]
    );
    assert!(
        world
            .service
            .check_stored(&|_, _| {})
            .await
            .unwrap()
            .findings
            .is_empty()
    );
}

#[tokio::test]
async fn what_was_erased_does_not_open_with_an_old_disk_and_the_database_of_today() {
    let (mut world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    let own = upload(&world, "shop").await;
    let dir = records(&world, &own);
    let id = Id::parse(&own).unwrap();
    let row: Result<_, JobError> = snapshot!(world.service.store(), "seed", |tx| {
        Ok(tx.ledger(id).await?.unwrap())
    });
    let seed = row.unwrap().wrapped_seed.unwrap();
    let old: BTreeMap<String, Vec<u8>> = (names(&dir).into_iter())
        .map(|name| (name.clone(), fs::read(dir.join(&name)).unwrap()))
        .collect();
    erase(&world, "shop", &collaboration, &persons[10..11]).await;
    let erased = all(&world, "shop", &own).await;
    assert_eq!(erased.iter().filter(|one| one.is_none()).count(), 1);
    // The whole directory of the day before, and the old chunk in the place of the new one.
    fs::remove_file(dir.join("records.0.1")).unwrap();
    for (name, bytes) in &old {
        fs::write(dir.join(name), bytes).unwrap();
    }
    fs::write(dir.join("records.0.1"), &old["records.0.0"]).unwrap();
    world.restart().await;
    for row in 0..220 {
        assert!(prove(&world, "shop", &own, row).await.is_err());
    }
    // Nor does the database remember what it forgot.
    for name in ["tamis.db", "tamis.db-wal"] {
        let bytes = fs::read(world.path().join(name)).unwrap_or_default();
        let kept = bytes
            .windows(seed.len())
            .any(|window| window == seed.as_bytes());
        assert!(!kept, "{name}");
    }
}

#[tokio::test]
async fn an_erasure_that_is_killed_before_or_after_its_commit_is_whole_after_the_next_start() {
    let (mut world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    let own = upload(&world, "shop").await;
    let dir = records(&world, &own);
    let id = Id::parse(&collaboration).unwrap();
    let tokens = tokens(&persons[10..11]);
    // Its lease is lost while it writes: the new chunk never gets a key.
    let late = held(&world).await;
    world.pass(Duration::from_secs(61));
    let now = world.lease(&world.service, JobKind::Expire).await.unwrap();
    let killed = world
        .service
        .erase_records(&late, "shop", id, &tokens)
        .await;
    assert!(matches!(killed, Err(JobError::Overtaken)), "{killed:?}");
    assert_eq!(names(&dir).len(), 4);
    let all_there = all(&world, "shop", &own).await;
    assert!(all_there.iter().all(Option::is_some));
    world.restart().await;
    world.service.recover().await.unwrap();
    assert_eq!(names(&dir), ["hashes", "head", "records.0.0"]);
    // Killed behind its commit: the old chunk is still there.
    let old = fs::read(dir.join("records.0.0")).unwrap();
    let erased = world.service.erase_records(&now, "shop", id, &tokens).await;
    assert!(
        matches!(erased, Err(JobError::Overtaken)),
        "reclaimed at the start"
    );
    let again = world.lease(&world.service, JobKind::Expire).await.unwrap();
    let erased = world.service.erase_records(&again, "shop", id, &tokens);
    erased.await.unwrap();
    fs::write(dir.join("records.0.0"), old).unwrap();
    world.restart().await;
    world.service.recover().await.unwrap();
    assert_eq!(names(&dir), ["hashes", "head", "records.0.1"]);
    let found = all(&world, "shop", &own).await;
    assert_eq!(found.iter().filter(|one| one.is_none()).count(), 1);
}

#[tokio::test]
async fn records_are_kept_for_years_after_their_upload_was_replaced_and_then_for_nobody() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    let first = upload(&world, "shop").await;
    world.pass(Duration::from_secs(60));
    let rows = super::crm(&collaboration, &persons);
    let second = world.send("shop", &collaboration, &rows).await;
    world.work(&ALL).await;
    let day = Duration::from_secs(24 * 3600);
    world.pass(5 * 365 * day - Duration::from_secs(60));
    world.service.queue_sweep().await.unwrap();
    world.work(&[JobKind::Expire]).await;
    assert!(prove(&world, "shop", &first, 0).await.is_ok());
    world.pass(day);
    world.service.queue_sweep().await.unwrap();
    world.work(&[JobKind::Expire]).await;
    let gone = prove(&world, "shop", &first, 0).await;
    assert!(matches!(
        gone,
        Err(ServiceError::Conflict {
            code: "no_records",
            ..
        })
    ));
    assert!(!records(&world, &first).exists());
    assert!(prove(&world, "shop", &second, 0).await.is_ok());
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
