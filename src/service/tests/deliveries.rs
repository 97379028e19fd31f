//! Deliveries: the destination ends at the audience's state, whatever happens on the way.

use std::collections::BTreeSet;
use std::time::Duration;

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;

use super::world::ALL;
use super::{Answer, Person, World, crm, graph};
use crate::store::jobs::JobKind;

/// More than one batch.
const MANY: u32 = 25_000;

fn cookies(persons: &[Person]) -> BTreeSet<String> {
    persons.iter().map(Person::cookie).collect()
}

async fn put_at(world: &World, collaboration: &str, destination: &str) {
    let request = AudienceRequest {
        expression: "all".into(),
        destinations: vec![destination.into()],
        purpose: AudienceUse::Target,
        holdout_percent: None,
    };
    let shop = world.caller("shop");
    world
        .service
        .put_audience(&shop, collaboration, "everyone", request)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_delivery_brings_every_cookie_in_numbered_batches() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(MANY, 0);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    for destination in ["dsp-a", "dmp-b"] {
        assert_eq!(
            world.destinations.members(destination, "everyone"),
            cookies(&persons)
        );
    }
    let arrived = world.destinations.arrived();
    assert_eq!(arrived.len(), 6);
    let shop = world.caller("shop");
    for delivery in world
        .service
        .deliveries(&shop, &collaboration)
        .await
        .unwrap()
    {
        assert_eq!(delivery.state, DeliveryState::Delivered);
        assert_eq!(delivery.attempts, 1);
        for sequence in 0..3 {
            assert!(arrived.contains(&format!("{}-{sequence}", delivery.id)));
        }
        let leaf = &world.leaves().await[usize::try_from(delivery.log_index.unwrap()).unwrap()];
        assert!(matches!(&leaf.event, Event::Delivery { delivery: id, .. } if *id == delivery.id));
    }
}

#[tokio::test]
async fn the_next_delivery_is_the_difference_to_what_was_told() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(460, 0);
    world.upload_both(&collaboration, &persons[..320]).await;
    put_at(&world, &collaboration, "dmp-b").await;
    world.work(&ALL).await;
    let rows = crm(&collaboration, &persons[140..]);
    world.send("shop", &collaboration, &rows).await;
    let rows = graph(&collaboration, &persons[140..]);
    world.send("graphs", &collaboration, &rows).await;
    world.work(&ALL).await;
    put_at(&world, &collaboration, "dmp-b").await;
    world.work(&ALL).await;
    assert_eq!(
        world.destinations.members("dmp-b", "everyone"),
        cookies(&persons[140..])
    );
    let last = world.destinations.messages().pop().unwrap();
    assert_eq!((last.data.add.len(), last.data.remove.len()), (140, 140));
    // One file per audience and destination is kept.
    let files = std::fs::read_dir(world.path().join("members")).unwrap();
    assert_eq!(files.count(), 1);
}

#[tokio::test]
async fn a_batch_whose_acknowledgement_was_lost_comes_again_with_the_same_id_and_bytes() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(MANY, 0);
    world.upload_both(&collaboration, &persons).await;
    put_at(&world, &collaboration, "dmp-b").await;
    world
        .destinations
        .answer(&[Answer::Take, Answer::TakeAndBreak]);
    world.work(&ALL).await;
    let shop = world.caller("shop");
    let waiting = world
        .service
        .deliveries(&shop, &collaboration)
        .await
        .unwrap();
    assert_eq!(waiting[0].state, DeliveryState::Queued);
    assert!(waiting[0].next_attempt_at.is_some());
    assert_eq!(world.destinations.arrived().len(), 2);
    world.pass(Duration::from_secs(3600));
    world.work(&ALL).await;
    // The destination asserts that a repeated id has the same bytes.
    let arrived = world.destinations.arrived();
    assert_eq!(arrived.len(), 4);
    assert_eq!(arrived[1], arrived[2]);
    assert_eq!(
        world.destinations.members("dmp-b", "everyone"),
        cookies(&persons)
    );
    let done = world.service.delivery(&shop, &waiting[0].id).await.unwrap();
    assert_eq!((done.state, done.attempts), (DeliveryState::Delivered, 2));
}

#[tokio::test]
async fn a_destination_that_refuses_ends_the_delivery_and_nothing_else() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(220, 0))
        .await;
    put_at(&world, &collaboration, "dmp-b").await;
    world.destinations.answer(&[Answer::Refuse]);
    world.work(&ALL).await;
    let view = world.audience(&collaboration, "everyone").await;
    assert_eq!(view.destinations[0].delivery, Some(DeliveryState::Failed));
    assert_eq!(view.destinations[0].state, AudienceState::Released);
    let events = world.events().await;
    assert!(
        !events
            .iter()
            .any(|event| matches!(event, Event::Delivery { .. }))
    );
}

#[tokio::test]
async fn attempts_are_used_up_in_the_end() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(220, 0))
        .await;
    put_at(&world, &collaboration, "dmp-b").await;
    world.destinations.answer(&[Answer::Break; 100]);
    for _ in 0..36 {
        world.work(&[JobKind::Decide, JobKind::Deliver]).await;
        world.pass(Duration::from_secs(7 * 3600));
        // The day moves on: the delivery is planned anew and goes on.
    }
    let view = world.audience(&collaboration, "everyone").await;
    assert_eq!(view.destinations[0].delivery, Some(DeliveryState::Failed));
    assert_eq!(world.destinations.arrived().len(), 36);
}

/// Some of a delivery arrived, then the destination refused: the next delivery sets it right.
#[tokio::test]
async fn what_a_failed_delivery_left_behind_is_taken_back_by_the_next() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(MANY, 0);
    world.upload_both(&collaboration, &persons).await;
    put_at(&world, &collaboration, "dmp-b").await;
    world.destinations.answer(&[Answer::Take, Answer::Refuse]);
    world.work(&ALL).await;
    assert_eq!(
        world.destinations.members("dmp-b", "everyone").len(),
        10_000
    );
    let fewer = &persons[5_000..20_000];
    let rows = crm(&collaboration, fewer);
    world.send("shop", &collaboration, &rows).await;
    world.work(&ALL).await;
    put_at(&world, &collaboration, "dmp-b").await;
    world.work(&ALL).await;
    assert_eq!(
        world.destinations.members("dmp-b", "everyone"),
        cookies(fewer)
    );
    let once: BTreeSet<String> = world
        .destinations
        .messages()
        .iter()
        .skip(2)
        .flat_map(|message| &message.data.add)
        .map(|member| serde_json::to_string(member).unwrap())
        .collect();
    let all: usize = world
        .destinations
        .messages()
        .iter()
        .skip(2)
        .map(|message| message.data.add.len())
        .sum();
    assert_eq!(once.len(), all, "a change is said once in a delivery");
}

#[tokio::test]
async fn deliveries_of_one_audience_to_one_destination_run_in_order() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(440, 0))
        .await;
    put_at(&world, &collaboration, "dmp-b").await;
    world.work(&[JobKind::Decide]).await;
    let rows = crm(&collaboration, &Person::many(300, 0));
    world.send("shop", &collaboration, &rows).await;
    world.work(&[JobKind::Seal]).await;
    put_at(&world, &collaboration, "dmp-b").await;
    world.work(&[JobKind::Decide]).await;
    let first = world.lease(&world.service, JobKind::Deliver).await.unwrap();
    assert!(
        world
            .lease(&world.service, JobKind::Deliver)
            .await
            .is_none()
    );
    world.service.run(&first, &world.outbound()).await.unwrap();
    assert_eq!(world.destinations.members("dmp-b", "everyone").len(), 440);
    world.work(&ALL).await;
    assert_eq!(world.destinations.members("dmp-b", "everyone").len(), 300);
}

#[tokio::test]
async fn consent_that_aged_out_is_removed_the_next_day_without_anybody_asking() {
    let (world, collaboration) = World::agreed().await;
    let mut persons = Person::many(220, 0);
    for person in &mut persons[..5] {
        // Thirteen months, to the day, after this the partner's consent ends.
        person.consent = "2025-10-22".parse().unwrap();
    }
    world.upload_both(&collaboration, &persons).await;
    put_at(&world, &collaboration, "dmp-b").await;
    world.work(&ALL).await;
    assert_eq!(
        world.destinations.members("dmp-b", "everyone"),
        cookies(&persons)
    );
    world.pass(Duration::from_secs(24 * 3600));
    world.service.queue_sweep().await.unwrap();
    world.work(&ALL).await;
    assert_eq!(
        world.destinations.members("dmp-b", "everyone"),
        cookies(&persons[5..])
    );
    let shop = world.caller("shop");
    let newest = &world
        .service
        .deliveries(&shop, &collaboration)
        .await
        .unwrap()[0];
    assert_eq!(newest.reason, DeliveryReason::Expiry);
    assert!(newest.log_index.is_some());
}

#[tokio::test]
async fn when_the_agreement_ends_every_member_is_removed() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(220, 0))
        .await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    assert_eq!(world.destinations.members("dsp-a", "everyone").len(), 220);
    world.pass(Duration::from_secs(366 * 24 * 3600));
    world.service.queue_sweep().await.unwrap();
    world.work(&ALL).await;
    assert!(world.destinations.members("dsp-a", "everyone").is_empty());
    assert!(world.destinations.members("dmp-b", "everyone").is_empty());
}
