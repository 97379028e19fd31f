//! Coverage: released once, and rarely; about the partner's set alone.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;

use super::population::{cookied, graph_alone};
use super::world::ALL;
use super::{Person, World};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn coverage(world: &World, party: &str, collaboration: &str) -> CoverageView {
    let caller = world.caller(party);
    let view = world.service.coverage(&caller, collaboration).await;
    view.unwrap()
}

fn shares(view: &CoverageView) -> Vec<(&str, Option<u8>)> {
    let all = view.destinations.iter();
    all.map(|one| (one.destination.as_str(), one.percent))
        .collect()
}

async fn told(world: &World) -> usize {
    let events = world.events().await;
    let told = events
        .iter()
        .filter(|event| matches!(event, Event::Coverage { .. }));
    told.count()
}

#[tokio::test]
async fn both_parties_see_which_share_of_persons_has_a_cookie_where() {
    let (world, collaboration) = World::agreed().await;
    assert!(
        coverage(&world, "shop", &collaboration)
            .await
            .destinations
            .is_empty()
    );
    let people = Person::many(1000, 0);
    // Everybody has one at `dmp-b`, 655 of 1,000 at `dsp-a`.
    let rows = cookied(&collaboration, &people, 655);
    world.send("graphs", &collaboration, &rows).await;
    world.work(&ALL).await;
    for party in ["shop", "graphs"] {
        let view = coverage(&world, party, &collaboration).await;
        // 655 persons are told as 660 of 1,000.
        assert_eq!(shares(&view), [("dmp-b", Some(100)), ("dsp-a", Some(66))]);
        let leaf = &world.leaves().await[usize::try_from(view.log_index.unwrap()).unwrap()];
        assert!(
            matches!(&leaf.event, Event::Coverage { destinations, .. } if *destinations == view.destinations)
        );
        assert!(leaf.policy.is_some());
    }
}

#[tokio::test]
async fn too_few_persons_are_not_told_of() {
    let (world, collaboration) = World::agreed().await;
    let rows = cookied(&collaboration, &Person::many(400, 0), 165);
    world.send("graphs", &collaboration, &rows).await;
    world.work(&ALL).await;
    let view = coverage(&world, "shop", &collaboration).await;
    assert_eq!(shares(&view), [("dmp-b", Some(100)), ("dsp-a", None)]);
    let (world, collaboration) = World::agreed().await;
    let rows = graph_alone(&collaboration, &Person::many(165, 0));
    world.send("graphs", &collaboration, &rows).await;
    world.work(&ALL).await;
    let view = coverage(&world, "shop", &collaboration).await;
    assert_eq!(shares(&view), [("dmp-b", None), ("dsp-a", None)]);
}

/// The attack: ask again and again, or have the partner upload, and average the noise away.
#[tokio::test]
async fn noise_is_drawn_at_most_once_a_week_however_often_it_is_asked_or_uploaded() {
    let (world, collaboration) = World::agreed().await;
    let people = Person::many(1000, 0);
    let rows = cookied(&collaboration, &people, 655);
    world.send("graphs", &collaboration, &rows).await;
    world.work(&ALL).await;
    let first = coverage(&world, "shop", &collaboration).await;
    let drawn = world.draws();
    world.parts.noise.store(300, Ordering::SeqCst);
    for _ in 0..6 {
        world.pass(DAY);
        assert_eq!(coverage(&world, "shop", &collaboration).await, first);
        world.send("graphs", &collaboration, &rows).await;
        let id = world
            .change("graphs", &collaboration, UploadMode::Remove, &people[..10])
            .await;
        world.work(&ALL).await;
        assert_eq!(world.view("graphs", &id).await.state, UploadState::Sealed);
    }
    assert_eq!((world.draws(), told(&world).await), (drawn, 1));
    world.pass(DAY);
    assert_eq!(coverage(&world, "shop", &collaboration).await, first);
    // Now it is a week old: the next set is counted, the whole of it.
    world.parts.noise.store(0, Ordering::SeqCst);
    world
        .change(
            "graphs",
            &collaboration,
            UploadMode::Remove,
            &people[10..110],
        )
        .await;
    world.work(&ALL).await;
    let second = coverage(&world, "shop", &collaboration).await;
    // 545 of 890 are left.
    assert_eq!(shares(&second), [("dmp-b", Some(100)), ("dsp-a", Some(61))]);
    assert_eq!(told(&world).await, 2);
}

#[tokio::test]
async fn a_cookie_whose_consent_has_aged_out_is_not_counted() {
    let (world, collaboration) = World::agreed().await;
    let mut people = Person::many(1000, 0);
    for person in &mut people[..500] {
        person.consent = "2024-01-01".parse().unwrap();
    }
    let rows = cookied(&collaboration, &people, 1000);
    world.send("graphs", &collaboration, &rows).await;
    world.work(&ALL).await;
    let view = coverage(&world, "shop", &collaboration).await;
    assert_eq!(shares(&view), [("dmp-b", Some(100)), ("dsp-a", Some(100))]);
    let rows = cookied(&collaboration, &people, 700);
    world.pass(8 * DAY);
    world.send("graphs", &collaboration, &rows).await;
    world.work(&ALL).await;
    let view = coverage(&world, "shop", &collaboration).await;
    // 200 of the 500 whose consent is live.
    assert_eq!(shares(&view), [("dmp-b", Some(100)), ("dsp-a", Some(40))]);
}

#[tokio::test]
async fn when_the_sealing_does_not_commit_no_coverage_is_told() {
    let (world, collaboration) = World::agreed().await;
    let rows = cookied(&collaboration, &Person::many(400, 0), 400);
    world.send("graphs", &collaboration, &rows).await;
    world.spoil_next_leaf().await;
    let kind = crate::store::jobs::JobKind::Seal;
    let held = world.lease(&world.service, kind).await.unwrap();
    assert!(world.service.run(&held, &world.outbound()).await.is_err());
    assert!(
        coverage(&world, "graphs", &collaboration)
            .await
            .at
            .is_none()
    );
}

#[tokio::test]
async fn strangers_do_not_learn_of_coverage() {
    let (mut world, collaboration) = World::agreed().await;
    world.enrol("stranger", Role::Partner).await;
    let stranger = world.caller("stranger");
    assert!(
        world
            .service
            .coverage(&stranger, &collaboration)
            .await
            .is_err()
    );
}
