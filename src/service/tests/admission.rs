//! What an advertiser's set must be: neither a handful of rows nor everybody there is.

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;

use super::population::crm_alone;
use super::world::ALL;
use super::{Person, World};

async fn sent(world: &World, collaboration: &str, rows: &[u8]) -> UploadView {
    let id = world.send("shop", collaboration, rows).await;
    world.work(&ALL).await;
    world.view("shop", &id).await
}

/// A world whose terms declare a CRM of so many rows.
async fn declaring(crm_rows: Option<u64>) -> (World, String) {
    let (world, _) = World::agreed().await;
    let mut terms = world.terms();
    terms.crm_rows = crm_rows;
    let collaboration = world.agree(&terms).await;
    (world, collaboration)
}

#[tokio::test]
async fn a_set_of_too_few_rows_is_refused_and_leaves_nothing() {
    let (world, collaboration) = World::agreed().await;
    let people = Person::many(1000, 0);
    let few = sent(
        &world,
        &collaboration,
        &crm_alone(&collaboration, &people[..999]),
    )
    .await;
    assert_eq!(few.state, UploadState::Refused);
    let why = few.refusal.unwrap();
    assert!(why.contains("fewer than 1000 rows"), "{why}");
    assert!(!world.path().join("sets").join(&few.id).exists());
    let events = world.events().await;
    let uploaded = events
        .iter()
        .any(|event| matches!(event, Event::Upload { .. }));
    assert!(!uploaded, "no set, no leaf");
    let enough = sent(&world, &collaboration, &crm_alone(&collaboration, &people)).await;
    assert_eq!(enough.state, UploadState::Sealed);
}

#[tokio::test]
async fn rows_that_take_no_part_do_not_make_a_set_larger() {
    let (world, collaboration) = World::agreed().await;
    let mut people = Person::many(1500, 0);
    for person in &mut people[..600] {
        person.consent = "2020-01-01".parse().unwrap();
    }
    let padded = sent(&world, &collaboration, &crm_alone(&collaboration, &people)).await;
    assert_eq!(padded.state, UploadState::Refused);
}

#[tokio::test]
async fn a_change_is_judged_by_the_whole_set() {
    let (world, collaboration) = World::agreed().await;
    let people = Person::many(1100, 0);
    let full = sent(
        &world,
        &collaboration,
        &crm_alone(&collaboration, &people[..1050]),
    )
    .await;
    assert_eq!(full.state, UploadState::Sealed);
    let mut states = Vec::new();
    for (mode, part) in [
        (UploadMode::Add, &people[1050..1051]),
        (UploadMode::Remove, &people[..51]),
        (UploadMode::Remove, &people[51..52]),
    ] {
        let id = world.change("shop", &collaboration, mode, part).await;
        world.work(&ALL).await;
        states.push(world.view("shop", &id).await.state);
    }
    // One may be added to a large set; what is left must be one.
    let expected = [
        UploadState::Sealed,
        UploadState::Sealed,
        UploadState::Refused,
    ];
    assert_eq!(states, expected);
}

#[tokio::test]
async fn a_set_grows_to_half_as_much_again_as_the_terms_declare() {
    let (world, collaboration) = declaring(Some(1000)).await;
    let people = Person::many(1501, 0);
    let many = sent(&world, &collaboration, &crm_alone(&collaboration, &people)).await;
    assert_eq!(many.state, UploadState::Refused);
    let why = many.refusal.unwrap();
    assert!(
        why.contains("at most 1500 rows") && why.contains("--crm-rows"),
        "{why}"
    );
    let full = sent(
        &world,
        &collaboration,
        &crm_alone(&collaboration, &people[..1500]),
    )
    .await;
    assert_eq!(full.state, UploadState::Sealed);
    let add = UploadMode::Add;
    let id = world
        .change("shop", &collaboration, add, &people[1500..])
        .await;
    world.work(&ALL).await;
    assert_eq!(world.view("shop", &id).await.state, UploadState::Refused);
}

#[tokio::test]
async fn without_a_declaration_the_first_set_is_one() {
    let (world, collaboration) = declaring(None).await;
    let people = Person::many(1800, 0);
    for (count, expected) in [
        (1200, UploadState::Sealed),
        (1800, UploadState::Sealed),
        // It stays the first one that counts.
        (1800 + 1, UploadState::Refused),
    ] {
        let mut some = people.clone();
        some.extend(Person::many(1801, 0).into_iter().skip(1800));
        let view = sent(
            &world,
            &collaboration,
            &crm_alone(&collaboration, &some[..count]),
        )
        .await;
        assert_eq!(view.state, expected, "{count}");
    }
}

#[tokio::test]
async fn a_declaration_below_the_minimum_is_no_declaration() {
    let (world, _) = World::agreed().await;
    let mut terms = world.terms();
    terms.crm_rows = Some(999);
    assert!(world.propose(&terms).await.is_err());
}
