//! Nothing leaves before enough witnesses vouch for the log that the gate's decision is in.

use std::time::Duration;

use tamis_protocols::transparency::{
    MemoryStore, Seen, TileStore, open_checkpoint, open_cosigned, publish, verify,
};
use tamis_protocols::wire::api::*;

use super::bystanders::{Mood, peers};
use super::crashes::Published;
use super::world::ALL;
use super::{Person, World};
use crate::service::WitnessRule;
use crate::store::jobs::JobKind;

const PERSONS: u32 = 220;

/// Two of three witnesses are required.
async fn agreed() -> (World, String) {
    let (mut world, collaboration) = World::agreed().await;
    world.parts.limits.witnesses = WitnessRule {
        require: 2,
        peers: peers(3),
    };
    world.restart().await;
    world.witnesses.trust(&world.service.log_key());
    let persons = Person::many(PERSONS, 0);
    world.upload_both(&collaboration, &persons).await;
    (world, collaboration)
}

async fn later(world: &World, seconds: u64) {
    world.pass(Duration::from_secs(seconds));
    world.work(&ALL).await;
}

async fn views(world: &World, collaboration: &str) -> Vec<DeliveryView> {
    let shop = world.caller("shop");
    world
        .service
        .deliveries(&shop, collaboration)
        .await
        .unwrap()
}

fn reached(world: &World) -> usize {
    world.destinations.members("dmp-b", "everyone").len()
}

async fn cosigned(world: &World) -> usize {
    let checkpoint = world.service.checkpoint().await.unwrap();
    let vkey = world.service.log_key();
    let opened = open_cosigned(checkpoint.as_bytes(), &vkey, &peers(3)).unwrap();
    assert_eq!(opened.head.size, world.leaves().await.len() as u64);
    opened.by.len()
}

#[tokio::test]
async fn with_two_of_three_one_may_be_down_and_with_two_down_nothing_leaves() {
    let (world, collaboration) = agreed().await;
    assert_eq!(cosigned(&world).await, 3);
    world.witnesses.set(3, Mood::Down);
    world.put_open(&collaboration, "everyone").await;
    world.work(&ALL).await;
    later(&world, 5).await;
    assert_eq!(reached(&world), PERSONS as usize);
    assert_eq!(cosigned(&world).await, 2);

    world.witnesses.set(2, Mood::Down);
    world.put_open(&collaboration, "again").await;
    world.work(&ALL).await;
    for _ in 0..5 {
        later(&world, 60).await;
    }
    assert!(world.destinations.members("dmp-b", "again").is_empty());
    // The log is published all the same, and the parties see what is waited for.
    assert_eq!(cosigned(&world).await, 1);
    let view = &views(&world, &collaboration).await[0];
    assert_eq!(view.waiting_for, Some(WaitingFor::Witnesses));
    assert_eq!((view.state, view.attempts), (DeliveryState::Queued, 0));

    world.witnesses.set(2, Mood::Honest);
    later(&world, 10).await;
    later(&world, 5).await;
    assert_eq!(
        world.destinations.members("dmp-b", "again").len(),
        PERSONS as usize
    );
    let view = &views(&world, &collaboration).await[0];
    assert_eq!(
        (view.state, view.waiting_for),
        (DeliveryState::Delivered, None)
    );
    let log = Published(world.path().join("log"));
    verify(&log, &world.service.log_key()).unwrap();
}

#[tokio::test]
async fn a_forged_cosignature_does_not_count() {
    let (world, collaboration) = agreed().await;
    world.witnesses.set(2, Mood::Forges);
    world.witnesses.set(3, Mood::Forges);
    world.put_open(&collaboration, "everyone").await;
    world.work(&ALL).await;
    later(&world, 60).await;
    assert_eq!(reached(&world), 0);
    assert_eq!(cosigned(&world).await, 1);
    // Nor does one that was put into the database.
    let forged = {
        let checkpoint = world.service.checkpoint().await.unwrap();
        let (text, _) = checkpoint.split_once("\n\n").unwrap();
        let key = tamis_protocols::transparency::WitnessKey::new(
            tamis_keys::Secret::from_bytes([99; 32]),
            "witness.example/w2",
        );
        checkpoint.clone() + &key.unwrap().cosign(format!("{text}\n").as_bytes(), 1)
    };
    let stored: Result<(), crate::store::StoreError> =
        crate::store::transact!(world.service.store(), "forge", |tx| {
            tx.set_cosigned(&forged).await
        });
    stored.unwrap();
    later(&world, 5).await;
    assert_eq!(reached(&world), 0);
}

#[tokio::test]
async fn a_delivery_whose_decision_was_vouched_for_needs_no_witness_again() {
    let (world, collaboration) = agreed().await;
    world.put_open(&collaboration, "everyone").await;
    world.work(&ALL).await;
    later(&world, 5).await;
    assert_eq!(reached(&world), PERSONS as usize);
    for n in 1..=3 {
        world.witnesses.set(n, Mood::Down);
    }
    // People withdraw: they are taken back at once, whoever is down.
    let tokens = Person::many(PERSONS, 0)[..5]
        .iter()
        .map(|person| hex::encode(person.token().0))
        .collect();
    let shop = world.caller("shop");
    let request = WithdrawalRequest {
        tokens,
        kind: Default::default(),
    };
    let withdrawn = world.service.withdraw(&shop, &collaboration, request).await;
    withdrawn.unwrap();
    world.work(&ALL).await;
    assert_eq!(reached(&world), PERSONS as usize - 5);
}

#[tokio::test]
async fn a_log_that_a_witness_saw_otherwise_gets_no_word_of_it() {
    let (mut world, collaboration) = agreed().await;
    // Two of three were shown another log of the same size.
    let size = world.witnesses.size(1);
    let root = publish(0, &[b"other".to_vec()], &mut MemoryStore::default())
        .unwrap()
        .1;
    for n in [1, 2] {
        world.witnesses.show(n, Seen { size, root });
    }
    world.put_open(&collaboration, "everyone").await;
    world.work(&ALL).await;
    later(&world, 60).await;
    assert_eq!(reached(&world), 0);
    assert_eq!(cosigned(&world).await, 1);
    // And one of a larger log.
    world.witnesses.show(3, Seen { size: 10_000, root });
    world.enrol("eye", Role::Auditor).await;
    later(&world, 60).await;
    assert_eq!(cosigned(&world).await, 0);
}

#[tokio::test]
async fn a_service_killed_while_it_asks_witnesses_shows_the_same_head_afterwards() {
    let (mut world, _) = agreed().await;
    let before = world.service.checkpoint().await.unwrap();
    world.enrol("eye", Role::Auditor).await;
    for n in 1..=3 {
        world.witnesses.set(n, Mood::Hangs);
    }
    let held = world.lease(&world.service, JobKind::Publish).await.unwrap();
    let outbound = world.outbound();
    tokio::select! {
        done = world.service.run(&held, &outbound) => panic!("it ended: {done:?}"),
        () = async {
            while world.witnesses.hanging() < 3 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } => {}
    }
    // They have signed, and nobody has seen it.
    assert_eq!(world.service.checkpoint().await.unwrap(), before);
    for n in 1..=3 {
        world.witnesses.set(n, Mood::Honest);
    }
    world.restart().await;
    later(&world, 61).await;
    assert_eq!(cosigned(&world).await, 3);
}

#[tokio::test]
async fn a_witness_that_does_not_answer_holds_the_log_up_for_a_bounded_time() {
    let (mut world, _) = agreed().await;
    world.witnesses.set(1, Mood::Hangs);
    world.enrol("eye", Role::Auditor).await;
    let began = tokio::time::Instant::now();
    world.work(&[JobKind::Publish]).await;
    assert_eq!(cosigned(&world).await, 2);
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn of_two_instances_one_signs_the_next_head() {
    let (mut world, _) = agreed().await;
    world.enrol("eye", Role::Auditor).await;
    let before = world.service.checkpoint().await.unwrap();
    // An instance whose database moved on under it: the head is no longer the one that it read.
    let other: Result<(), crate::store::StoreError> =
        crate::store::transact!(world.service.store(), "other", |tx| {
            let head = tx.log_head().await?;
            tx.move_log_head(&head, head.size + 1, &"ab".repeat(32))
                .await
        });
    other.unwrap();
    let held = world.lease(&world.service, JobKind::Publish).await.unwrap();
    let run = world.service.run(&held, &world.outbound()).await;
    assert!(run.is_err(), "it signed a second head of one size");
    assert_eq!(world.service.checkpoint().await.unwrap(), before);
}

#[tokio::test]
async fn a_database_older_than_the_log_signs_nothing() {
    let (mut world, _) = agreed().await;
    let mut log = crate::service::work::publish::LogDir(world.path().join("log"));
    let shown = world.service.checkpoint().await.unwrap();
    let head = open_checkpoint(shown.as_bytes(), &world.service.log_key()).unwrap();
    // The log went on, and the database was restored from before.
    let further = tamis_protocols::transparency::LogKey::new(
        tamis_keys::Secret::from_bytes([5; 32]),
        "tamis.example/log",
    );
    let further = further.unwrap().sign_checkpoint(head.size + 1, &[7; 32]);
    log.write("checkpoint", further.as_bytes()).unwrap();
    world.enrol("eye", Role::Auditor).await;
    let held = world.lease(&world.service, JobKind::Publish).await.unwrap();
    assert!(world.service.run(&held, &world.outbound()).await.is_err());
    assert_eq!(world.service.checkpoint().await.unwrap(), further);
}

/// The attack: who decides an audience anew while witnesses are down keeps withdrawn people at its destination.
#[tokio::test]
async fn people_are_taken_back_though_a_new_decision_of_their_audience_waits_for_witnesses() {
    let (world, collaboration) = agreed().await;
    let asked = world.ask(&collaboration, "everyone", "all", "dmp-b");
    asked.await.unwrap();
    world.work(&ALL).await;
    later(&world, 5).await;
    assert_eq!(reached(&world), PERSONS as usize);
    for n in 1..=3 {
        world.witnesses.set(n, Mood::Down);
    }
    let anew = world.ask(&collaboration, "everyone", r#""all" = yes"#, "dmp-b");
    anew.await.unwrap();
    world.work(&ALL).await;
    let waits = &views(&world, &collaboration).await[0];
    assert_eq!(waits.waiting_for, Some(WaitingFor::Witnesses));
    let persons = Person::many(PERSONS, 0);
    let request = |persons: &[Person]| WithdrawalRequest {
        tokens: (persons.iter().map(|one| hex::encode(one.token().0))).collect(),
        kind: Default::default(),
    };
    let shop = world.caller("shop");
    let mut sent = Vec::new();
    for (from, upto) in [(0, 3), (3, 5)] {
        let request = request(&persons[from..upto]);
        let one = world.service.withdraw(&shop, &collaboration, request);
        sent.push(one.await.unwrap().id);
        world.work(&ALL).await;
        later(&world, 5).await;
        assert_eq!(reached(&world), PERSONS as usize - upto);
    }
    for id in &sent {
        let view = world.service.withdrawal(&shop, id).await.unwrap();
        assert_eq!(view.state, RequestState::Complete);
    }
    let all = views(&world, &collaboration).await;
    let waiting = all.iter().filter(|one| one.waiting_for.is_some());
    assert_eq!(waiting.count(), 1, "the new decision waits still");
    for n in 1..=3 {
        world.witnesses.set(n, Mood::Honest);
    }
    later(&world, 60).await;
    later(&world, 10).await;
    assert_eq!(reached(&world), PERSONS as usize - 5);
    let all = views(&world, &collaboration).await;
    assert!(all.iter().all(|one| one.state == DeliveryState::Delivered));
}
