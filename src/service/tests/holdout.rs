//! Hold-out: a control group that is never delivered, and is told of by its size alone.

use std::collections::BTreeSet;

use tamis_protocols::wire::api::*;

use super::asking::{asking, refusal};
use super::world::ALL;
use super::{Person, World};

fn cookies(persons: &[Person]) -> BTreeSet<String> {
    persons.iter().map(Person::cookie).collect()
}

async fn compared(world: &World, collaboration: &str, expression: &str) -> AudienceAtDestination {
    let request = asking(expression, "dmp-b", Some(30));
    let shop = world.caller("shop");
    let put = world
        .service
        .put_audience(&shop, collaboration, "everyone", request);
    put.await.unwrap();
    world.work(&ALL).await;
    world.at_dmp(collaboration, "everyone").await
}

fn about(count: Option<ReleasedCount>) -> usize {
    match count {
        Some(ReleasedCount::Released { about }) => usize::try_from(about).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn control_is_never_delivered_stays_control_and_both_sizes_are_told() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(1_200, 0);
    world.upload_both(&collaboration, &persons[..1_000]).await;
    let first = compared(&world, &collaboration, "all").await;
    let told = world.destinations.members("dmp-b", "everyone");
    let control = &cookies(&persons[..1_000]) - &told;
    // 300 of 1,000 are expected; 14.5 is the standard deviation.
    assert!((220..380).contains(&control.len()), "{}", control.len());
    assert!(about(first.size).abs_diff(told.len()) <= 5);
    assert!(about(first.control).abs_diff(control.len()) <= 5);
    // Two audiences were asked for.
    assert_eq!(world.charges("shop").await, [800]);

    for side in ["shop", "graphs"] {
        let add = UploadMode::Add;
        world
            .change(side, &collaboration, add, &persons[1_000..])
            .await;
    }
    world.work(&ALL).await;
    for expression in ["all", r#""all" = yes"#] {
        let later = compared(&world, &collaboration, expression).await;
        assert_eq!(later.state, AudienceState::Released);
        let now = world.destinations.members("dmp-b", "everyone");
        assert!(told.is_subset(&now), "who was delivered stays");
        assert!(now.is_disjoint(&control), "control stays control");
        let new = &cookies(&persons[1_000..]) & &now;
        // Of those who came, some are control as well.
        assert!((116..175).contains(&new.len()), "{}", new.len());
        about(later.control);
    }
}

#[tokio::test]
async fn a_control_group_below_the_minimum_stops_both() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(400, 0))
        .await;
    // Of 400, about 120 are control: fewer than 166.
    let at = compared(&world, &collaboration, "all").await;
    assert_eq!(at.state, AudienceState::BelowMinimum);
    let below = Some(ReleasedCount::BelowMinimum);
    assert_eq!((at.size, at.control), (below, below));
    assert!(world.destinations.arrived().is_empty());
    let shop = world.caller("shop");
    let request = asking("all", "dmp-b", Some(51));
    let put = world
        .service
        .put_audience(&shop, &collaboration, "half", request);
    assert_eq!(refusal(put.await).0, "invalid_holdout");
}
