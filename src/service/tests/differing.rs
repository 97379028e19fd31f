//! Audiences that differ by one person: what comes of them is the same, whether or not that one is in.

use tamis_protocols::wire::api::*;

use super::world::ALL;
use super::{Person, World, crm};

const PERSONS: u32 = 600;
/// Held back from an audience that covers a cell, so that what is left out is a piece.
const HELD: usize = 116;

/// What can be seen of a second audience: the answer, how many were told, how many of the first were not, and
/// how often noise was drawn.
async fn seen(world: &World, collaboration: &str, expression: &str) -> (String, [usize; 3]) {
    let drawn = world.draws();
    let at = world.answered(collaboration, "second", expression).await;
    let first = world.destinations.members("dmp-b", "first");
    let second = world.destinations.members("dmp-b", "second");
    assert!(second.is_subset(&first));
    let answer = format!("{:?} {:?} {:?}", at.state, at.size, at.delivery);
    let left_out = first.difference(&second).count();
    (answer, [second.len(), left_out, world.draws() - drawn])
}

#[tokio::test]
async fn an_audience_that_leaves_out_one_person_of_a_segment_looks_like_one_that_leaves_out_none() {
    let mut both = Vec::new();
    for gold in [PERSONS, PERSONS - 1] {
        let (world, collaboration) = World::agreed().await;
        let persons = Person::many(PERSONS, gold);
        world.upload_both(&collaboration, &persons).await;
        world.answered(&collaboration, "first", "all").await;
        assert_eq!(
            world.destinations.members("dmp-b", "first").len(),
            PERSONS as usize
        );
        both.push(seen(&world, &collaboration, "loyalty = gold").await);
    }
    assert_eq!(both[0], both[1]);
    let [told, left_out, _] = both[0].1;
    assert_eq!((told, left_out), (PERSONS as usize - HELD, HELD));
}

#[tokio::test]
async fn an_audience_of_a_crm_without_one_person_looks_like_one_of_the_whole_crm() {
    let mut both = Vec::new();
    for without in [0, 1] {
        let (world, collaboration) = World::agreed().await;
        let persons = Person::many(PERSONS, 0);
        world.upload_both(&collaboration, &persons).await;
        world.answered(&collaboration, "first", "all").await;
        let rows = crm(&collaboration, &persons[without..]);
        world.send("shop", &collaboration, &rows).await;
        world.work(&ALL).await;
        // The first, asked for anew in other words, loses nobody by it.
        world
            .answered(&collaboration, "first", r#""all" = yes"#)
            .await;
        let told = world.destinations.members("dmp-b", "first");
        assert_eq!(told.len(), PERSONS as usize, "without {without}");
        both.push(seen(&world, &collaboration, "all").await);
    }
    assert_eq!(both[0], both[1]);
    let [told, left_out, _] = both[0].1;
    assert_eq!((told, left_out), (PERSONS as usize - HELD, HELD));
}

/// The attack: known persons around one of whom is asked, so that the minimum tells.
#[tokio::test]
async fn one_person_more_never_decides_whether_a_part_of_what_was_told_is_released() {
    let mut both = Vec::new();
    for gold in [115, 114] {
        let (world, collaboration) = World::agreed().await;
        let persons = Person::many(PERSONS, gold);
        world.upload_both(&collaboration, &persons).await;
        world.answered(&collaboration, "first", "all").await;
        both.push(seen(&world, &collaboration, "loyalty = gold").await);
        let at = world.at_dmp(&collaboration, "second").await;
        assert_eq!(at.state, AudienceState::BelowMinimum);
    }
    assert_eq!(both[0], both[1]);
}
