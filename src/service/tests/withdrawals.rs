//! Withdrawals: effective at once, whatever is under way.

use std::collections::BTreeSet;
use std::time::Duration;

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;

use super::world::ALL;
use super::{Answer, Person, World};
use crate::service::ServiceError;
use crate::store::jobs::JobKind;

async fn withdraw(
    world: &World,
    name: &str,
    collaboration: &str,
    persons: &[Person],
) -> Result<WithdrawalView, ServiceError> {
    let tokens = persons
        .iter()
        .map(|person| hex::encode(person.token().0))
        .collect();
    let request = WithdrawalRequest {
        tokens,
        kind: Default::default(),
    };
    world
        .service
        .withdraw(&world.caller(name), collaboration, request)
        .await
}

fn cookies(persons: &[Person]) -> BTreeSet<String> {
    persons.iter().map(Person::cookie).collect()
}

#[tokio::test]
async fn a_withdrawn_person_is_removed_everywhere_though_the_audience_falls_below_the_minimum() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(167, 0);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    let view = withdraw(&world, "graphs", &collaboration, &persons[..3])
        .await
        .unwrap();
    assert_eq!(view.tokens, 3);
    assert_eq!(view.destinations["dsp-a"].state, RemovalState::Queued);
    world.work(&ALL).await;
    for destination in ["dsp-a", "dmp-b"] {
        let left = world.destinations.members(destination, "everyone");
        assert_eq!(left, cookies(&persons[3..]));
    }
    let view = world
        .service
        .withdrawal(&world.caller("graphs"), &view.id)
        .await
        .unwrap();
    assert!(
        view.destinations
            .values()
            .all(|one| one.state == RemovalState::Acknowledged)
    );
    let leaf = &world.leaves().await[usize::try_from(view.log_index).unwrap()];
    assert!(matches!(&leaf.event, Event::Withdrawal { withdrawal, .. } if *withdrawal == view.id));
    // Only its sender sees it.
    let other = world
        .service
        .withdrawal(&world.caller("shop"), &view.id)
        .await;
    assert!(matches!(other, Err(ServiceError::NotFound)));
}

#[tokio::test]
async fn a_withdrawal_before_the_decision_is_in_the_decision() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(167, 0);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    withdraw(&world, "shop", &collaboration, &persons[..2])
        .await
        .unwrap();
    world.work(&ALL).await;
    let view = world.audience(&collaboration, "everyone").await;
    assert!(
        view.destinations
            .iter()
            .all(|at| at.state == AudienceState::BelowMinimum)
    );
    assert!(world.destinations.arrived().is_empty());
}

#[tokio::test]
async fn a_withdrawal_between_decision_and_delivery_stops_the_person() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&[JobKind::Decide]).await;
    withdraw(&world, "shop", &collaboration, &persons[..1])
        .await
        .unwrap();
    world.work(&ALL).await;
    let gone = persons[0].cookie();
    for message in world.destinations.messages() {
        let text = String::from_utf8(message.to_bytes().unwrap()).unwrap();
        assert!(!text.contains(&format!("\"{gone}\"")), "never even sent");
    }
    assert_eq!(
        world.destinations.members("dmp-b", "everyone"),
        cookies(&persons[1..])
    );
    assert_eq!(
        world.destinations.members("dsp-a", "everyone"),
        cookies(&persons[1..])
    );
}

/// Batch 1 of 3 arrived; then somebody withdraws; the delivery goes on.
#[tokio::test]
async fn a_withdrawal_in_the_middle_of_a_delivery_is_seen_by_its_next_batch() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(25_000, 0);
    world.upload_both(&collaboration, &persons).await;
    world.put_open(&collaboration, "everyone").await;
    world.destinations.answer(&[Answer::Take, Answer::Break]);
    world.work(&ALL).await;
    assert_eq!(world.destinations.arrived().len(), 2);
    // One who is there already, one who is not: tags ascend with the number.
    let out = [persons[0], persons[24_999]];
    withdraw(&world, "shop", &collaboration, &out)
        .await
        .unwrap();
    world.pass(Duration::from_secs(3600));
    world.work(&ALL).await;
    let members = world.destinations.members("dmp-b", "everyone");
    assert_eq!(members, cookies(&persons[1..24_999]));
    for message in world.destinations.messages().iter().skip(2) {
        let added = serde_json::to_string(&message.data.add).unwrap();
        for person in &out {
            assert!(!added.contains(&format!("\"{}\"", person.cookie())));
        }
    }
}

#[tokio::test]
async fn a_withdrawal_binds_uploads_that_come_later() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    withdraw(&world, "shop", &collaboration, &persons[..1])
        .await
        .unwrap();
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    assert_eq!(
        world.destinations.members("dmp-b", "everyone"),
        cookies(&persons[1..])
    );
}

/// The attack: a withdrawal must never be a way to have somebody added.
#[tokio::test]
async fn a_withdrawal_adds_nobody_from_newer_uploads() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(400, 0);
    world.upload_both(&collaboration, &persons[..200]).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    world.upload_both(&collaboration, &persons).await;
    withdraw(&world, "shop", &collaboration, &persons[..1])
        .await
        .unwrap();
    world.work(&ALL).await;
    assert_eq!(
        world.destinations.members("dmp-b", "everyone"),
        cookies(&persons[1..200])
    );
}

#[tokio::test]
async fn withdrawing_works_after_the_last_day_but_not_before_acceptance() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(1, 0);
    let proposed = world.propose(&world.terms()).await.unwrap();
    let early = withdraw(&world, "shop", &proposed.id, &persons).await;
    assert!(matches!(
        early,
        Err(ServiceError::Conflict {
            code: "not_active",
            ..
        })
    ));
    world.pass(Duration::from_secs(366 * 24 * 3600));
    withdraw(&world, "shop", &collaboration, &persons)
        .await
        .unwrap();
}

#[tokio::test]
async fn tokens_that_are_none_are_refused() {
    let (world, collaboration) = World::agreed().await;
    let shop = world.caller("shop");
    for tokens in [
        vec![],
        vec!["xyz".to_owned()],
        vec!["00".repeat(17)],
        vec!["AB".repeat(16)],
        vec!["00".repeat(16); 50_001],
    ] {
        let request = WithdrawalRequest {
            tokens,
            kind: Default::default(),
        };
        let refused = world.service.withdraw(&shop, &collaboration, request).await;
        assert!(matches!(
            refused,
            Err(ServiceError::Invalid {
                code: "invalid_token",
                ..
            })
        ));
    }
}

#[tokio::test]
async fn withdrawn_tokens_are_in_no_file_and_no_leaf_in_the_clear() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(1, 0);
    let view = withdraw(&world, "shop", &collaboration, &persons)
        .await
        .unwrap();
    let token = persons[0].token().0;
    let file = std::fs::read(world.path().join("withdrawals").join(&view.id)).unwrap();
    assert!(!file.windows(16).any(|part| part == token));
    for leaf in world.leaves().await {
        let text = String::from_utf8(leaf.to_bytes()).unwrap();
        assert!(!text.contains(&hex::encode(token)));
    }
}

/// The worker sends batch after batch without a pause; a withdrawal between two of them stops it.
#[tokio::test]
async fn a_withdrawal_between_two_batches_is_seen_before_the_second_leaves() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(25_000, 0);
    world.upload_both(&collaboration, &persons).await;
    world.put_open(&collaboration, "everyone").await;
    world.work(&[JobKind::Decide]).await;
    world.destinations.answer(&[Answer::TakeAndWait]);
    let out = [persons[0], persons[24_999]];
    let withdrawing = async {
        while world.destinations.hanging() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        withdraw(&world, "shop", &collaboration, &out)
            .await
            .unwrap();
        world.destinations.go_on();
    };
    let held = world.lease(&world.service, JobKind::Deliver).await.unwrap();
    let outbound = world.outbound();
    let (done, ()) = tokio::join!(world.service.run(&held, &outbound), withdrawing);
    done.unwrap();
    let messages = world.destinations.messages();
    assert!(messages[0].data.add.len() == 10_000 && !messages[0].data.last);
    let last = persons[24_999].cookie();
    for message in &messages {
        let added = serde_json::to_string(&message.data.add).unwrap();
        assert!(!added.contains(&format!("\"{last}\"")), "never even sent");
    }
    let members = world.destinations.members("dmp-b", "everyone");
    assert_eq!(members, cookies(&persons[1..24_999]));
    // The receipt names the plan that was completed.
    let events = world.events().await;
    let receipt = events.iter().rev().find_map(|event| match event {
        Event::Delivery { delivery, .. } => Some(delivery.clone()),
        _ => None,
    });
    assert_eq!(receipt.unwrap(), messages.last().unwrap().data.delivery);
}

/// The evaluation had its answer when somebody withdrew: the answer is thrown away.
#[tokio::test]
async fn a_withdrawal_while_the_gate_decides_is_in_its_decision() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(167, 0);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    let shop = world.caller("shop");
    let service = &world.service;
    let started = service.start_match(&shop, &collaboration).await.unwrap();
    for kind in [JobKind::Match, JobKind::Decide] {
        world.parts.engine.stop();
        let held = world.lease(service, kind).await.unwrap();
        let outbound = world.outbound();
        let withdrawing = async {
            world.parts.engine.reached().await;
            withdraw(&world, "shop", &collaboration, &persons[..2])
                .await
                .unwrap();
            world.parts.engine.go_on();
        };
        let (done, ()) = tokio::join!(service.run(&held, &outbound), withdrawing);
        done.unwrap();
    }
    let view = world.audience(&collaboration, "everyone").await;
    assert!(
        view.destinations
            .iter()
            .all(|at| at.state == AudienceState::BelowMinimum)
    );
    let matched = service.match_(&shop, &started.id).await.unwrap().matched;
    assert_eq!(matched, Some(ReleasedCount::BelowMinimum));
    world.work(&ALL).await;
    assert!(world.destinations.arrived().is_empty());
}
