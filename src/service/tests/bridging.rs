//! Two parties agree anew: persons get other tokens, and the gate still knows whom it let out.

use sha2::{Digest, Sha256};
use tamis_protocols::token::Token;
use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;

use super::population::{bridged_graph, crm_of, graph_of};
use super::world::ALL;
use super::{Person, World, code, crm, graph};
use crate::service::{Announced, ServiceError};

/// Whom the partner knows.
const KNOWN: u32 = 400;
/// Whom the destination got under the earlier collaboration.
const DELIVERED: u32 = 300;
/// What is let out of those by a new audience that leaves out few of them, or nobody: all but a piece, whose
/// least size is 116.
const KEPT_BACK: usize = DELIVERED as usize - 116;

/// A person's token under the key of the later collaboration.
fn later(person: &Person) -> Token {
    let mut token = [0; 16];
    let text = format!("later {}", person.number);
    token.copy_from_slice(&Sha256::digest(text)[..16]);
    Token(token)
}

fn bridging(mode: UploadMode, other: &str) -> Announced {
    Announced {
        mode,
        bridge: Some(other.to_owned()),
    }
}

/// Persons below [`DELIVERED`] were delivered under the first collaboration; the second has no upload yet.
async fn agreed_anew() -> (World, String, String) {
    let (world, old) = World::agreed().await;
    let known = Person::many(KNOWN, 0);
    let bought = crm(&old, &known[..DELIVERED as usize]);
    world.send("shop", &old, &bought).await;
    world.send("graphs", &old, &graph(&old, &known)).await;
    world.work(&ALL).await;
    world.put_open(&old, "before").await;
    world.work(&ALL).await;
    let delivered = world.destinations.members("dmp-b", "before").len();
    assert_eq!(delivered, DELIVERED as usize);
    let new = world.agree(&world.terms()).await;
    (world, old, new)
}

/// Sends the graph under both keys.
async fn bridge(world: &World, old: &str, new: &str, known: u32) -> String {
    let rows = bridged_graph(new, old, &Person::many(known, 0), &later);
    let announced = bridging(UploadMode::Full, old);
    let id = world.send_as("graphs", new, announced, &rows).await;
    world.work(&ALL).await;
    id
}

/// How many members an audience of these persons has at the destination, who is asked for under the later
/// collaboration once the partner has bridged; `again`: and has then sent a graph that does not.
async fn delivered_of(persons: &[Person], known: u32, again: bool) -> usize {
    let (world, old, new) = agreed_anew().await;
    bridge(&world, &old, &new, known).await;
    if again {
        let rows = graph_of(&new, &Person::many(known, 0), &later);
        world.send("graphs", &new, &rows).await;
    }
    world
        .send("shop", &new, &crm_of(&new, persons, &later))
        .await;
    world.work(&ALL).await;
    world.put_open(&new, "after").await;
    world.work(&ALL).await;
    world.destinations.members("dmp-b", "after").len()
}

#[tokio::test]
async fn audiences_wait_for_a_graph_under_both_keys() {
    let (world, old, new) = agreed_anew().await;
    let known = Person::many(KNOWN, 0);
    let bought = crm_of(&new, &known[..DELIVERED as usize], &later);
    world.send("shop", &new, &bought).await;
    world
        .send("graphs", &new, &graph_of(&new, &known, &later))
        .await;
    world.work(&ALL).await;
    let refused = world.put(&new, "after", "all").await.unwrap_err();
    assert_eq!(code(&refused), "bridge_needed");
    assert!(refused.to_string().contains(&format!("--bridge {old}")));
    let id = bridge(&world, &old, &new, KNOWN).await;
    let view = world.view("graphs", &id).await;
    assert_eq!(view.state, UploadState::Sealed);
    assert_eq!(view.bridge, Some(old.clone()));
    world.put(&new, "after", "all").await.unwrap();
    world.work(&ALL).await;
    let after = world.audience(&new, "after").await;
    let open = after
        .destinations
        .iter()
        .find(|at| at.destination == "dmp-b");
    assert_eq!(open.unwrap().state, AudienceState::Released);
    let bridges = world
        .events()
        .await
        .into_iter()
        .filter_map(|event| match event {
            Event::Upload { upload, bridge, .. } => bridge.map(|bridge| (upload, bridge)),
            _ => None,
        });
    assert_eq!(bridges.collect::<Vec<_>>(), [(id, old)]);
}

/// The attack: one person more than an audience that was delivered before the key changed.
#[tokio::test]
async fn somebody_added_to_what_was_delivered_under_the_earlier_key_is_not_seen() {
    let persons = Person::many(DELIVERED + 1, 0);
    for again in [false, true] {
        let with = delivered_of(&persons, KNOWN, again).await;
        // The partner does not know the last one.
        let without = delivered_of(&persons, DELIVERED, again).await;
        assert_eq!((with, without), (KEPT_BACK, KEPT_BACK));
    }
}

/// The same the other way round: one person less, or two.
#[tokio::test]
async fn how_many_are_left_out_of_what_was_delivered_under_the_earlier_key_is_not_seen() {
    for left_out in [0, 1, 2] {
        let persons = Person::many(DELIVERED - left_out, 0);
        let again = left_out == 2;
        assert_eq!(delivered_of(&persons, KNOWN, again).await, KEPT_BACK);
    }
}

#[tokio::test]
async fn a_bridge_leads_to_another_accepted_collaboration_of_the_same_two_parties() {
    let (mut world, old, new) = agreed_anew().await;
    world.enrol("rival", Role::Advertiser).await;
    let mut terms = world.terms();
    terms.advertiser = "rival".into();
    let text = serde_json::to_string(&terms).unwrap();
    let request = world.proposal("rival", &text);
    let rival = world.caller("rival");
    let foreign = world.service.propose(&rival, request).await.unwrap();
    world.accept(&foreign).await;
    let proposed = world.propose(&world.terms()).await.unwrap();

    let ask = async |owner: &str, mode, other: &str| {
        let caller = world.caller(owner);
        let announced = bridging(mode, other);
        let asked = world.service.create_upload(&caller, &new, announced, 9);
        asked.await
    };
    let full = UploadMode::Full;
    let nobodys = "0".repeat(32);
    for unknown in [
        &foreign.id,
        &nobodys,
        &"not an id".to_owned(),
        &old[1..].to_owned(),
    ] {
        let refused = ask("graphs", full, unknown).await;
        assert!(matches!(refused, Err(ServiceError::NotFound)), "{unknown}");
    }
    for mode in [UploadMode::Add, UploadMode::Remove, UploadMode::Refresh] {
        let refused = ask("graphs", mode, &old).await.unwrap_err();
        assert_eq!(code(&refused), "bridge_not_full");
    }
    for (owner, other, expected) in [
        ("shop", &old, "wrong_side"),
        ("graphs", &new, "bridge_to_itself"),
        ("graphs", &proposed.id, "not_active"),
    ] {
        let refused = ask(owner, full, other).await.unwrap_err();
        assert_eq!(code(&refused), expected);
    }
    let created = ask("graphs", full, &old).await.unwrap();
    assert_eq!(created.bridge, Some(old));
}

#[tokio::test]
async fn an_earlier_collaboration_may_be_over_when_it_is_bridged() {
    let (mut world, _) = World::agreed().await;
    let mut terms = world.terms();
    terms.expires = "2026-12-01".parse().unwrap();
    let old = world.agree(&terms).await;
    let new = world.agree(&world.terms()).await;
    world.pass(std::time::Duration::from_secs(30 * 24 * 3600));
    world.restart().await;
    let id = bridge(&world, &old, &new, KNOWN).await;
    assert_eq!(world.view("graphs", &id).await.state, UploadState::Sealed);
}

#[tokio::test]
async fn rows_that_bridge_otherwise_than_announced_are_refused() {
    let (world, old, new) = agreed_anew().await;
    let known = Person::many(KNOWN, 0);
    let both = bridged_graph(&new, &old, &known, &later);
    let one = graph_of(&new, &known, &later);
    let silent = world.send("graphs", &new, &both).await;
    let announced = bridging(UploadMode::Full, &old);
    let loud = world.send_as("graphs", &new, announced, &one).await;
    world.work(&ALL).await;
    for (id, said) in [
        (silent, "announced with no other"),
        (loud, "the rows carry no other"),
    ] {
        let view = world.view("graphs", &id).await;
        assert_eq!(view.state, UploadState::Refused);
        assert!(view.refusal.unwrap().contains(said), "{said}");
    }
}
