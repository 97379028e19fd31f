//! Fixed windows and tenure: when something was asked, or came, tells nothing.

use std::time::Duration;

use tamis_protocols::release::Wish;
use tamis_protocols::wire::api::*;

use super::world::ALL;
use super::{Person, World};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// It is nine o'clock.
async fn every(window_minutes: u32) -> (World, String) {
    let wish = Wish {
        window_minutes: Some(window_minutes),
        ..Wish::default()
    };
    let (world, collaboration) = World::agreed_on(wish).await;
    world
        .upload_both(&collaboration, &Person::many(400, 0))
        .await;
    (world, collaboration)
}

#[tokio::test]
async fn nothing_is_decided_before_the_end_of_the_window() {
    let (world, collaboration) = every(30).await;
    world.pass(7 * MINUTE);
    let shop = world.caller("shop");
    let started = world.service.start_match(&shop, &collaboration).await;
    let started = started.unwrap().id;
    let drawn = world.draws();
    for passed in [0, 22] {
        world.pass(passed * MINUTE);
        let name = format!("asked-{passed}");
        let at = world.answered(&collaboration, &name, "all").await;
        assert_eq!((at.state, at.size), (AudienceState::Deciding, None));
    }
    let matched = world.service.match_(&shop, &started).await.unwrap();
    assert_eq!(matched.state, JobState::Pending);
    assert_eq!(world.draws(), drawn);
    world.pass(MINUTE);
    world.work(&ALL).await;
    for name in ["asked-0", "asked-22"] {
        let at = world.at_dmp(&collaboration, name).await;
        assert_eq!(at.state, AudienceState::Released);
        assert_eq!(at.delivery, Some(DeliveryState::Delivered));
    }
    let matched = world.service.match_(&shop, &started).await.unwrap();
    assert_eq!(matched.state, JobState::Done);
}

#[tokio::test]
async fn what_has_its_answer_already_waits_for_the_window_too() {
    let (world, collaboration) = every(30).await;
    world.answered(&collaboration, "first", "all").await;
    world.pass(30 * MINUTE);
    world.work(&ALL).await;
    let at = world.answered(&collaboration, "second", "all").await;
    assert_eq!(at.state, AudienceState::Deciding);
    world.pass(30 * MINUTE);
    world.work(&ALL).await;
    let at = world.at_dmp(&collaboration, "second").await;
    assert_eq!(at.state, AudienceState::Released);
}

#[tokio::test]
async fn a_partners_persons_do_not_count_before_they_have_been_there_for_long_enough() {
    let wish = Wish {
        tenure_days: Some(7),
        ..Wish::default()
    };
    let (world, collaboration) = World::agreed_on(wish).await;
    let persons = Person::many(600, 0);
    world.upload_both(&collaboration, &persons[..400]).await;
    let young = world.answered(&collaboration, "everyone", "all").await;
    assert_eq!(young.state, AudienceState::BelowMinimum);
    let shop = world.caller("shop");
    let matched = async || {
        let started = world.service.start_match(&shop, &collaboration).await;
        world.work(&ALL).await;
        let id = started.unwrap().id;
        world.service.match_(&shop, &id).await.unwrap().matched
    };
    assert_eq!(matched().await, Some(ReleasedCount::BelowMinimum));
    // A week later the first ones count, and those who have just come do not.
    world.pass(7 * DAY);
    for side in ["shop", "graphs"] {
        let add = UploadMode::Add;
        world
            .change(side, &collaboration, add, &persons[400..])
            .await;
    }
    world.work(&ALL).await;
    let old = world.answered(&collaboration, "everyone", "all").await;
    assert_eq!(old.size, Some(ReleasedCount::Released { about: 400 }));
    assert_eq!(
        matched().await,
        Some(ReleasedCount::Released { about: 400 })
    );
    let told = world.destinations.members("dmp-b", "everyone");
    let expected = persons[..400].iter().map(Person::cookie).collect();
    assert_eq!(told, expected);
    world.pass(7 * DAY);
    let again = world
        .answered(&collaboration, "everyone", r#""all" = yes"#)
        .await;
    assert_eq!(again.size, Some(ReleasedCount::Released { about: 600 }));
}
