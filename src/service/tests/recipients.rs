//! A consent that names its recipients, from the upload to the delivery.

use std::collections::BTreeSet;

use tamis_protocols::wire::api::*;

use super::asking::{asking, refusal};
use super::population::{crm_used_at, graph};
use super::world::ALL;
use super::{Person, World};

/// Of every ten persons four name `dmp-b`, three `dsp-a`, two nobody, and one a stranger alone.
fn used_at(person: &Person) -> Option<Vec<String>> {
    let name = match person.number % 10 {
        0..=3 => "dmp-b",
        4..=6 => "dsp-a",
        7 | 8 => return None,
        _ => "somebody-else",
    };
    Some(vec![name.to_owned()])
}

fn cookies(persons: &[Person], at: &str) -> BTreeSet<String> {
    let usable = |person: &&Person| used_at(person).is_none_or(|names| names == [at]);
    persons.iter().filter(usable).map(Person::cookie).collect()
}

#[tokio::test]
async fn a_person_is_delivered_where_its_consent_names_the_destination_and_nowhere_else() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(1_000, 0);
    let crm = crm_used_at(&collaboration, &persons, &used_at);
    let upload = world.send("shop", &collaboration, &crm).await;
    world
        .send("graphs", &collaboration, &graph(&collaboration, &persons))
        .await;
    world.work(&ALL).await;
    // At upload: whom nobody of the terms may have is left out, and counted for the owner.
    let view = world.view("shop", &upload).await;
    let dropped = view.report.unwrap().dropped;
    assert!(dropped["recipient_missing"] >= 100, "{dropped:?}");

    let shop = world.caller("shop");
    for expression in ["all", "not missing = yes", r#"all or "all" = yes"#] {
        let request = asking(expression, "dmp-b", None);
        let put = world
            .service
            .put_audience(&shop, &collaboration, "everyone", request);
        put.await.unwrap();
        world.work(&ALL).await;
        let at = world.at_dmp(&collaboration, "everyone").await;
        assert_eq!(at.state, AudienceState::Released);
        let told = world.destinations.members("dmp-b", "everyone");
        let allowed = cookies(&persons, "dmp-b");
        assert!(told.is_subset(&allowed), "{expression}");
        // Less what the gate held back.
        assert!(
            told.len() + 60 > allowed.len(),
            "{} of {}",
            told.len(),
            allowed.len()
        );
    }
}

/// At delivery: whose consent no longer names the destination is taken out of the audience there.
#[tokio::test]
async fn a_consent_that_no_longer_names_the_destination_ends_the_delivery_there() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(1_000, 0);
    let graph = graph(&collaboration, &persons);
    world.send("graphs", &collaboration, &graph).await;
    let named = |name: &str| Some(vec![name.to_owned()]);
    let moved = |person: &Person| person.number < 200;
    let later = |person: &Person| named(if moved(person) { "dsp-a" } else { "dmp-b" });
    let shop = world.caller("shop");
    let mut told = Vec::new();
    for crm in [
        crm_used_at(&collaboration, &persons, &|_| named("dmp-b")),
        crm_used_at(&collaboration, &persons, &later),
    ] {
        world.send("shop", &collaboration, &crm).await;
        world.work(&ALL).await;
        let request = asking("all", "dmp-b", None);
        let put = (world.service).put_audience(&shop, &collaboration, "everyone", request);
        put.await.unwrap();
        world.work(&ALL).await;
        told.push(world.destinations.members("dmp-b", "everyone"));
    }
    let narrowed: BTreeSet<String> = persons
        .iter()
        .filter(|person| moved(person))
        .map(Person::cookie)
        .collect();
    assert!(told[0].intersection(&narrowed).count() > 100);
    assert!(told[1].is_disjoint(&narrowed));
    assert!(told[1].len() > 600, "{}", told[1].len());
}

/// The attack: ask for the service's own labels, to find out or undo where persons may be used.
#[tokio::test]
async fn an_audience_of_the_labels_that_restrict_rows_is_refused() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(1_000, 0);
    let crm = crm_used_at(&collaboration, &persons, &used_at);
    world.send("shop", &collaboration, &crm).await;
    world
        .send("graphs", &collaboration, &graph(&collaboration, &persons))
        .await;
    world.work(&ALL).await;
    let shop = world.caller("shop");
    for expression in [
        r#""tamis:restricted" = yes"#,
        r#"all or not "tamis:recipient" = dmp-b"#,
    ] {
        let request = asking(expression, "dmp-b", None);
        let put = world
            .service
            .put_audience(&shop, &collaboration, "attack", request);
        let refused = refusal(put.await);
        assert!(format!("{refused:?}").contains("expression"), "{refused:?}");
    }
}
