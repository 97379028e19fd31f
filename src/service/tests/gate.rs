//! The gate: decided once per question, recorded and queued together.

use std::sync::atomic::Ordering;

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;

use super::world::ALL;
use super::{Person, World};
use crate::service::ServiceError;
use crate::store::jobs::JobKind;

fn sizes(view: &AudienceView) -> Vec<(AudienceState, Option<ReleasedCount>)> {
    view.destinations
        .iter()
        .map(|at| (at.state, at.size))
        .collect()
}

#[tokio::test]
async fn enough_persons_are_released_and_too_few_are_not_even_hinted_at() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(250, 99))
        .await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world
        .put(&collaboration, "gold", "loyalty = gold")
        .await
        .unwrap();
    world
        .put(&collaboration, "nobody", "loyalty = platinum")
        .await
        .unwrap();
    world.work(&ALL).await;
    let about = Some(ReleasedCount::Released { about: 250 });
    let everyone = world.audience(&collaboration, "everyone").await;
    assert_eq!(sizes(&everyone), [(AudienceState::Released, about); 2]);
    let below = (
        AudienceState::BelowMinimum,
        Some(ReleasedCount::BelowMinimum),
    );
    let gold = world.audience(&collaboration, "gold").await;
    let nobody = world.audience(&collaboration, "nobody").await;
    assert_eq!(sizes(&gold), [below; 2]);
    assert_eq!(sizes(&nobody), [below; 2]);
    assert!(gold.destinations.iter().all(|at| at.delivery.is_none()));
    assert!(world.destinations.members("dmp-b", "gold").is_empty());
    assert_eq!(world.destinations.members("dmp-b", "everyone").len(), 250);
}

#[tokio::test]
async fn a_released_decision_its_leaf_and_its_delivery_commit_together() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(220, 220))
        .await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    let before = world.leaves().await.len();
    let shop = world.caller("shop");
    world.work(&[JobKind::Decide]).await;
    let decided: Vec<_> = world.events().await[before..]
        .iter()
        .filter(|event| matches!(event, Event::GateDecision { released: true, .. }))
        .cloned()
        .collect();
    assert_eq!(decided.len(), 2);
    let queued = world
        .service
        .deliveries(&shop, &collaboration)
        .await
        .unwrap();
    assert_eq!(queued.len(), 2);
    let view = world.audience(&collaboration, "everyone").await;
    for at in &view.destinations {
        let leaf = &world.leaves().await[usize::try_from(at.log_index.unwrap()).unwrap()];
        assert!(leaf.policy.is_some());
        assert!(
            matches!(&leaf.event, Event::GateDecision { destination, .. }
            if *destination == at.destination)
        );
    }
}

#[tokio::test]
async fn a_decision_whose_lease_was_lost_leaves_neither_leaf_nor_delivery() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(220, 220))
        .await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    let stale = world.lease(&world.service, JobKind::Decide).await.unwrap();
    world.pass(std::time::Duration::from_secs(61));
    let taken = world.lease(&world.service, JobKind::Decide).await.unwrap();
    let before = world.leaves().await.len();
    assert!(world.service.run(&stale, &world.outbound()).await.is_err());
    assert_eq!(world.leaves().await.len(), before);
    let shop = world.caller("shop");
    assert!(
        world
            .service
            .deliveries(&shop, &collaboration)
            .await
            .unwrap()
            .is_empty()
    );
    world.service.run(&taken, &world.outbound()).await.unwrap();
    assert_eq!(
        world
            .service
            .deliveries(&shop, &collaboration)
            .await
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn the_same_request_on_the_same_uploads_draws_no_new_noise() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(220, 220))
        .await;
    let first = world.put(&collaboration, "everyone", "all").await.unwrap();
    assert_eq!(first.destinations[0].state, AudienceState::Deciding);
    world.work(&ALL).await;
    let drawn = world.draws();
    let leaves = world.leaves().await.len();
    let again = world
        .put(&collaboration, "everyone", " all ")
        .await
        .unwrap();
    assert_eq!(again.destinations[0].state, AudienceState::Released);
    world.work(&ALL).await;
    assert_eq!(world.draws(), drawn);
    assert_eq!(world.leaves().await.len(), leaves);
}

/// The attack: ask the same under many names and average the noise away.
#[tokio::test]
async fn the_same_question_under_other_names_and_uses_gets_the_same_answer() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(220, 220))
        .await;
    world.put(&collaboration, "first", "all").await.unwrap();
    world.work(&ALL).await;
    let first = sizes(&world.audience(&collaboration, "first").await);
    for number in 0..5 {
        world.parts.noise.fetch_add(100, Ordering::SeqCst);
        let name = format!("again-{number}");
        let request = AudienceRequest {
            expression: "all".into(),
            destinations: vec!["dmp-b".into(), "dsp-a".into()],
            purpose: AudienceUse::Exclude,
            holdout_percent: None,
        };
        let shop = world.caller("shop");
        world
            .service
            .put_audience(&shop, &collaboration, &name, request)
            .await
            .unwrap();
        world.work(&ALL).await;
        let view = world.audience(&collaboration, &name).await;
        assert_eq!(sizes(&view), first);
        assert_eq!(world.destinations.members("dmp-b", &name).len(), 220);
    }
}

#[tokio::test]
async fn a_question_that_is_only_written_in_another_way_gets_no_new_answer() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(250, 220))
        .await;
    let ask = async |name: &str, expression: &str| {
        world.put(&collaboration, name, expression).await.unwrap();
        world.work(&ALL).await;
        sizes(&world.audience(&collaboration, name).await)
    };
    let first = ask("first", r#"loyalty = gold or "all" = yes"#).await;
    let rewritten = [
        r#""all" = yes or loyalty = gold"#,
        r#"(loyalty = gold) or loyalty = gold or ("all" = yes and all)"#,
        r#"not not ("all" in (yes, yes) or loyalty in (gold))"#,
    ];
    for (number, expression) in rewritten.into_iter().enumerate() {
        world.parts.noise.fetch_add(100, Ordering::SeqCst);
        // Under another name, and as the same audience asked anew.
        let name = format!("again-{number}");
        assert_eq!(ask(&name, expression).await, first, "{expression}");
        assert_eq!(ask("first", expression).await, first, "{expression}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_the_same_time_are_decided_once_per_destination() {
    let ready = async || {
        let (world, collaboration) = World::agreed().await;
        let persons = Person::many(220, 220);
        world.upload_both(&collaboration, &persons).await;
        let drawn = world.draws();
        (world, collaboration, drawn)
    };
    let once = {
        let (world, collaboration, drawn) = ready().await;
        world.put(&collaboration, "everyone", "all").await.unwrap();
        world.work(&ALL).await;
        world.draws() - drawn
    };
    let (world, collaboration, drawn) = ready().await;
    let tries: Vec<_> = (0..10)
        .map(|_| {
            let (service, shop) = (world.service.clone(), world.caller("shop"));
            let collaboration = collaboration.clone();
            tokio::spawn(async move {
                let request = AudienceRequest {
                    expression: "all".into(),
                    destinations: vec!["dsp-a".into(), "dmp-b".into()],
                    purpose: AudienceUse::Target,
                    holdout_percent: None,
                };
                service
                    .put_audience(&shop, &collaboration, "everyone", request)
                    .await
            })
        })
        .collect();
    for attempt in tries {
        attempt.await.unwrap().unwrap();
    }
    world.work(&ALL).await;
    assert_eq!(world.draws() - drawn, once);
    let events = world.events().await;
    let decisions = events
        .iter()
        .filter(|event| matches!(event, Event::GateDecision { .. }));
    assert_eq!(decisions.count(), 2);
}

#[tokio::test]
async fn a_match_says_a_released_number_once() {
    let (world, collaboration) = World::agreed().await;
    let shop = world.caller("shop");
    let early = world.service.start_match(&shop, &collaboration).await;
    assert!(matches!(
        early,
        Err(ServiceError::Conflict {
            code: "nothing_to_match",
            ..
        })
    ));
    let persons = Person::many(1_000, 0);
    let rows = super::population::crm_alone(&collaboration, &persons);
    world.send("shop", &collaboration, &rows).await;
    let rows = super::graph(&collaboration, &persons[..750]);
    world.send("graphs", &collaboration, &rows).await;
    world.work(&ALL).await;
    let drawn = world.draws();
    let started = world
        .service
        .start_match(&shop, &collaboration)
        .await
        .unwrap();
    let again = world
        .service
        .start_match(&shop, &collaboration)
        .await
        .unwrap();
    assert_eq!(started.id, again.id);
    world.work(&ALL).await;
    let done = world.service.match_(&shop, &started.id).await.unwrap();
    assert_eq!(done.state, JobState::Done);
    assert_eq!(done.matched, Some(ReleasedCount::Released { about: 750 }));
    assert_eq!(done.rate, Some(MatchRate::About { percent: 75 }));
    let leaf = &world.leaves().await[usize::try_from(done.log_index.unwrap()).unwrap()];
    assert!(matches!(
        leaf.event,
        Event::MatchDecision {
            about: Some(750),
            ..
        }
    ));
    let later = world
        .service
        .start_match(&shop, &collaboration)
        .await
        .unwrap();
    assert_eq!(later.id, started.id);
    assert_eq!(world.draws() - drawn, 1);
}

#[tokio::test]
async fn a_request_that_cannot_be_decided_is_refused_with_the_place() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(220, 220))
        .await;
    let shop = world.caller("shop");
    for (name, expression, destination, expected) in [
        ("A", "all", "dsp-a", "invalid_name"),
        ("a", "loyalty =", "dsp-a", "invalid_expression"),
        ("a", "all", "graphs", "invalid_destinations"),
    ] {
        let request = AudienceRequest {
            expression: expression.into(),
            destinations: vec![destination.into()],
            purpose: AudienceUse::Target,
            holdout_percent: None,
        };
        let refused = world
            .service
            .put_audience(&shop, &collaboration, name, request)
            .await;
        assert!(
            matches!(refused, Err(ServiceError::Invalid { code, .. }) if code == expected),
            "{expected}"
        );
    }
    assert!(
        world
            .service
            .audiences(&shop, &collaboration)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_collaboration_that_expired_while_a_decision_waited_releases_nothing() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(220, 220))
        .await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.pass(std::time::Duration::from_secs(366 * 24 * 3600));
    world.work(&ALL).await;
    let view = world.audience(&collaboration, "everyone").await;
    assert_eq!(sizes(&view), [(AudienceState::Failed, None); 2]);
    assert!(world.destinations.arrived().is_empty());
}

#[tokio::test]
async fn when_the_leaf_cannot_be_written_nothing_is_decided() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(220, 220))
        .await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.spoil_next_leaf().await;
    let held = world.lease(&world.service, JobKind::Decide).await.unwrap();
    assert!(world.service.run(&held, &world.outbound()).await.is_err());
    let view = world.audience(&collaboration, "everyone").await;
    assert_eq!(sizes(&view), [(AudienceState::Deciding, None); 2]);
    let shop = world.caller("shop");
    assert!(
        world
            .service
            .deliveries(&shop, &collaboration)
            .await
            .unwrap()
            .is_empty()
    );
}
