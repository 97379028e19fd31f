//! A new collaboration of the same two parties: what a destination was told under the old keys still counts,
//! as soon as an upload leads over, and nothing is decided before.

use tamis_protocols::wire::api::*;

use super::asking::refusal;
use super::world::ALL;
use super::{Person, World, graph};
use crate::domain::id::Id;
use crate::service::work::JobError;
use crate::store::transact;

/// The tests give persons the same tokens everywhere, so that any upload could lead over; noted here is
/// which one its owner sent for that.
async fn bridge(world: &World, upload: &str, other: &str) {
    let (upload, other) = (Id::parse(upload).unwrap(), Id::parse(other).unwrap());
    let noted: Result<(), JobError> = transact!(world.service.store(), "bridge", |tx| {
        Ok(tx.set_bridge(upload, other).await?)
    });
    noted.unwrap();
}

#[tokio::test]
async fn a_new_collaboration_of_the_pair_waits_for_an_upload_that_leads_over() {
    let (world, old) = World::agreed().await;
    let persons = Person::many(400, 0);
    world.upload_both(&old, &persons).await;
    world.answered(&old, "everyone", "all").await;
    let terms = world.terms();
    let new = world.agree(&terms).await;
    world.upload_both(&new, &persons).await;
    let (code, detail) = refusal(world.ask(&new, "everyone", "all", "dmp-b").await);
    assert_eq!(code, "bridge_needed");
    assert!(detail.contains(&format!("--bridge {old}")), "{detail}");
    // Nobody was told of anything there.
    world.ask(&new, "elsewhere", "all", "dsp-a").await.unwrap();

    let mut turned = persons.clone();
    turned.reverse();
    let upload = world.send("graphs", &new, &graph(&new, &turned)).await;
    bridge(&world, &upload, &old).await;
    world.work(&ALL).await;
    // A later upload need not lead over again.
    world.send("graphs", &new, &graph(&new, &persons)).await;
    world.work(&ALL).await;
    let at = world.answered(&new, "second", "all").await;
    // They were told of before: some are held back, as from any second audience of theirs.
    assert_eq!(at.size, Some(ReleasedCount::Released { about: 280 }));
    let told = world.destinations.members("dmp-b", "second");
    assert_eq!(told.len(), persons.len() - 116);
}

#[tokio::test]
async fn what_a_destination_still_has_counts_however_long_ago_it_was_told() {
    let (world, old) = World::agreed().await;
    let persons = Person::many(400, 0);
    world.upload_both(&old, &persons).await;
    world.answered(&old, "everyone", "all").await;
    let terms = world.terms();
    let new = world.agree(&terms).await;
    world.upload_both(&new, &persons).await;
    world.pass(std::time::Duration::from_secs(100 * 24 * 3600));
    let asked = world.ask(&new, "everyone", "all", "dmp-b").await;
    assert_eq!(refusal(asked).0, "bridge_needed");
}
