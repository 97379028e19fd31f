//! What the gate keeps: small changes leave an audience as it was until they are large, and yet nobody stays
//! who may not.

use std::collections::BTreeSet;
use std::time::Duration;

use tamis_protocols::wire::api::*;

use super::world::ALL;
use super::{Person, World};

fn cookies(persons: &[Person]) -> BTreeSet<String> {
    persons.iter().map(Person::cookie).collect()
}

/// What the destination has after the advertiser removed `gone` and asked anew.
async fn without(world: &World, collaboration: &str, gone: &[Person]) -> BTreeSet<String> {
    let remove = UploadMode::Remove;
    world.change("shop", collaboration, remove, gone).await;
    world.work(&ALL).await;
    let at = world.answered(collaboration, "everyone", "all").await;
    assert_eq!(at.state, AudienceState::Released);
    world.destinations.members("dmp-b", "everyone")
}

async fn told(persons: &[Person]) -> (World, String) {
    let (world, collaboration) = World::agreed().await;
    world.upload_both(&collaboration, persons).await;
    world.answered(&collaboration, "everyone", "all").await;
    assert_eq!(
        world.destinations.members("dmp-b", "everyone"),
        cookies(persons)
    );
    (world, collaboration)
}

#[tokio::test]
async fn small_changes_leave_an_audience_as_it_was_until_they_are_large() {
    let persons = Person::many(600, 0);
    let (world, collaboration) = told(&persons).await;
    for upto in [1, 60, 115] {
        let gone = &persons[upto - 1..upto];
        let left = without(&world, &collaboration, gone).await;
        assert_eq!(left, cookies(&persons), "{upto}");
    }
    // Three are gone; with these it is a piece.
    let mut gone: Vec<Person> = persons[200..313].to_vec();
    let left = without(&world, &collaboration, &gone).await;
    gone.extend([persons[0], persons[59], persons[114]]);
    let expected = &cookies(&persons) - &cookies(&gone);
    assert_eq!((left.len(), left), (484, expected));
}

#[tokio::test]
async fn small_additions_wait_until_they_are_large() {
    let persons = Person::many(600, 0);
    let (world, collaboration) = told(&persons[..400]).await;
    for (from, upto) in [(400, 401), (401, 515), (515, 516)] {
        for side in ["shop", "graphs"] {
            let (add, some) = (UploadMode::Add, &persons[from..upto]);
            world.change(side, &collaboration, add, some).await;
        }
        world.work(&ALL).await;
        world.answered(&collaboration, "everyone", "all").await;
        let told = world.destinations.members("dmp-b", "everyone");
        let expected = if upto < 516 { 400 } else { upto };
        assert_eq!(told, cookies(&persons[..expected]), "{upto}");
    }
}

#[tokio::test]
async fn a_person_that_the_gate_kept_is_removed_when_it_withdraws() {
    let persons = Person::many(600, 0);
    let (world, collaboration) = told(&persons).await;
    let left = without(&world, &collaboration, &persons[..2]).await;
    assert_eq!(left, cookies(&persons), "both are kept");
    for (who, person) in [("shop", 0), ("graphs", 1)] {
        let request = WithdrawalRequest {
            tokens: vec![hex::encode(persons[person].token().0)],
            kind: Default::default(),
        };
        let caller = world.caller(who);
        let sent = world.service.withdraw(&caller, &collaboration, request);
        sent.await.unwrap();
        world.work(&ALL).await;
        let left = world.destinations.members("dmp-b", "everyone");
        assert_eq!(left, cookies(&persons[person + 1..]), "{who}");
    }
}

#[tokio::test]
async fn a_person_that_the_gate_kept_is_removed_when_its_consent_ends() {
    let mut persons = Person::many(600, 0);
    // Thirteen months, to the day, after this the partner's consent ends.
    persons[0].consent = "2025-10-22".parse().unwrap();
    let (world, collaboration) = told(&persons).await;
    let left = without(&world, &collaboration, &persons[..2]).await;
    assert_eq!(left, cookies(&persons));
    world.pass(Duration::from_secs(24 * 3600));
    world.service.queue_sweep().await.unwrap();
    world.work(&ALL).await;
    let left = world.destinations.members("dmp-b", "everyone");
    assert_eq!(left, cookies(&persons[1..]));
}
