//! Charge, decision, leaf, emission and queued delivery: all of them, or nothing.

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;

use super::{Person, World};
use crate::store::jobs::JobKind;

async fn ready() -> (World, String) {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(400, 0))
        .await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    (world, collaboration)
}

async fn deliveries(world: &World, collaboration: &str) -> usize {
    let shop = world.caller("shop");
    let deliveries = world.service.deliveries(&shop, collaboration).await;
    deliveries.unwrap().len()
}

#[tokio::test]
async fn a_decision_commits_with_its_charge_its_leaf_its_emission_and_its_delivery() {
    let (world, collaboration) = ready().await;
    assert!(world.charges("shop").await.is_empty());
    world.work(&[JobKind::Decide]).await;
    assert_eq!(world.charges("shop").await, [400, 400]);
    assert_eq!(world.emission_files().await, (2, 2));
    assert_eq!(deliveries(&world, &collaboration).await, 2);
    let events = world.events().await;
    let charged = events.iter().filter_map(|event| match event {
        Event::GateDecision { charge, .. } => Some(*charge),
        _ => None,
    });
    assert_eq!(charged.collect::<Vec<_>>(), [400, 400]);
}

#[tokio::test]
async fn when_the_leaf_cannot_be_written_nothing_is_charged_emitted_or_queued() {
    let (world, collaboration) = ready().await;
    world.spoil_next_leaf().await;
    let held = world.lease(&world.service, JobKind::Decide).await.unwrap();
    assert!(world.service.run(&held, &world.outbound()).await.is_err());
    assert!(world.charges("shop").await.is_empty());
    assert_eq!(world.emission_files().await.0, 0, "no row");
    assert_eq!(deliveries(&world, &collaboration).await, 0);
    let at = world.at_dmp(&collaboration, "everyone").await;
    assert_eq!(at.state, AudienceState::Deciding);
}

/// Killed between the file and its row.
#[tokio::test]
async fn emissions_on_disk_that_were_never_committed_are_gone_after_the_next_start() {
    let (mut world, collaboration) = ready().await;
    let killed = world.lease(&world.service, JobKind::Decide).await.unwrap();
    // Another holds the lease: the files are written, the transaction fails.
    world.pass(std::time::Duration::from_secs(61));
    let taken = world.lease(&world.service, JobKind::Decide).await;
    assert!(taken.is_some());
    assert!(world.service.run(&killed, &world.outbound()).await.is_err());
    let (known, there) = world.emission_files().await;
    assert!(known == 0 && there == 2, "{known} of {there}");
    world.restart().await;
    world.service.recover().await.unwrap();
    assert_eq!(world.emission_files().await, (0, 0));
    world.work(&[JobKind::Decide]).await;
    assert_eq!(world.emission_files().await, (2, 2));
    world.service.recover().await.unwrap();
    assert_eq!(world.emission_files().await, (2, 2));
    assert_eq!(deliveries(&world, &collaboration).await, 2);
}
