//! What a destination was told is remembered, whatever the partner uploads next.

use std::collections::BTreeSet;

use tamis_protocols::wire::api::*;

use super::world::ALL;
use super::{Person, World, graph};
use crate::service::Compaction;

/// Persons that are held back from an audience that covers all of what was emitted: as many as make what is
/// left out large.
const HELD: usize = 116;

fn cookies(persons: &[Person]) -> BTreeSet<String> {
    persons.iter().map(Person::cookie).collect()
}

/// 400 persons were emitted on the base; asked for anew under another name, all but a few are.
async fn again(world: &World, collaboration: &str, persons: &[Person]) {
    let at = world.answered(collaboration, "again", "all").await;
    assert_eq!(at.state, AudienceState::Released);
    let told = world.destinations.members("dmp-b", "again");
    assert_eq!(told.len(), persons.len() - HELD);
    assert!(told.is_subset(&cookies(persons)));
}

#[tokio::test]
async fn history_survives_a_full_upload_of_the_graph_in_another_order() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(400, 0);
    world.upload_both(&collaboration, &persons).await;
    world.answered(&collaboration, "first", "all").await;
    assert_eq!(
        world.destinations.members("dmp-b", "first"),
        cookies(&persons)
    );
    for order in [1, 7] {
        let mut turned = persons.clone();
        turned.reverse();
        turned.rotate_left(order);
        let rows = graph(&collaboration, &turned);
        world.send("graphs", &collaboration, &rows).await;
        world.work(&ALL).await;
        // The second time it is a refresh: nothing moves.
        again(&world, &collaboration, &persons).await;
    }
    assert_eq!(
        world.emission_files().await.0,
        world.emission_files().await.1
    );
}

#[tokio::test]
async fn history_survives_a_compaction() {
    let (mut world, collaboration) = World::agreed().await;
    world.parts.limits.compaction = Compaction {
        layers: 1,
        percent: 1000,
    };
    world.restart().await;
    let persons = Person::many(600, 0);
    world.upload_both(&collaboration, &persons[..400]).await;
    world.answered(&collaboration, "first", "all").await;
    for (mode, part) in [
        (UploadMode::Add, &persons[400..500]),
        (UploadMode::Remove, &persons[400..500]),
    ] {
        world.change("graphs", &collaboration, mode, part).await;
    }
    world.work(&ALL).await;
    let compacted = std::fs::read_dir(world.path().join("compacted")).unwrap();
    assert!(compacted.count() > 0);
    world.restart().await;
    again(&world, &collaboration, &persons[..400]).await;
}

/// Refreshing a person is to remove and to add it: in the set it has another number then.
#[tokio::test]
async fn whoever_was_removed_from_the_graph_and_added_again_is_remembered() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(400, 0);
    world.upload_both(&collaboration, &persons).await;
    world.answered(&collaboration, "first", "all").await;
    for mode in [UploadMode::Remove, UploadMode::Add] {
        let some = &persons[..200];
        world.change("graphs", &collaboration, mode, some).await;
    }
    world.work(&ALL).await;
    // Were they new, 200 of them would be a piece of the cell of all who were never told of.
    again(&world, &collaboration, &persons).await;
}
