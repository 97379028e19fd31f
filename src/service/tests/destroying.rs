//! Destroying consent records: those of people who ask for it, and those whose time is over.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use tamis_protocols::token::Token;
use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;

use super::ledger::{all, ask, names, prove, records, upload};
use super::world::ALL;
use super::{Person, World};
use crate::domain::id::Id;
use crate::service::ServiceError;
use crate::service::work::{Held, JobError};
use crate::store::jobs::JobKind;
use crate::store::snapshot;

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
async fn an_erasure_that_was_asked_for_leaves_no_record_and_the_log_says_so() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    let request = WithdrawalRequest {
        tokens: (persons[10..12].iter())
            .map(|one| hex::encode(one.token().0))
            .collect(),
        kind: RequestKind::Erasure,
    };
    let caller = world.caller("graphs");
    let asked = world.service.withdraw(&caller, &collaboration, request);
    asked.await.unwrap();
    world.work(&ALL).await;
    let left = |side| ask(&world, side, &collaboration, &persons[9..13]);
    assert_eq!(left("graphs").await.unwrap().items.len(), 2);
    assert_eq!(left("shop").await.unwrap().items.len(), 4);
    let events = world.events().await;
    let said = events.iter().find_map(|event| match event {
        Event::Erasure { destroyed, .. } => Some(destroyed.as_slice()),
        _ => None,
    });
    assert_eq!(said.unwrap(), ["records", "rows"]);
    let own = upload(&world, "graphs").await;
    let found = all(&world, "graphs", &own).await;
    assert_eq!(found.iter().filter(|one| one.is_none()).count(), 2);
}
