//! What the parties and the log can see looks alike, whether or not anything happened to the members.

use std::time::Duration;

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;

use super::world::ALL;
use super::{Person, World};
use crate::delivery::batch::{receipt_digest, receipt_start};
use crate::delivery::signature::parse_secret;

#[tokio::test]
async fn a_day_on_which_nobody_aged_out_looks_like_one_on_which_somebody_did() {
    let (world, collaboration) = World::agreed().await;
    let mut persons = Person::many(220, 0);
    persons[0].consent = "2025-10-22".parse().unwrap();
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    let mut days = Vec::new();
    for _ in 0..2 {
        let leaves = world.leaves().await.len();
        world.pass(Duration::from_secs(24 * 3600));
        world.service.queue_sweep().await.unwrap();
        world.work(&ALL).await;
        let mut visible = Vec::new();
        for who in ["shop", "graphs"] {
            let caller = world.caller(who);
            let deliveries = world.service.deliveries(&caller, &collaboration).await;
            let newest = deliveries.unwrap().swap_remove(0);
            let receipt = newest.log_index.is_some();
            visible.push((newest.reason, newest.state, newest.attempts, receipt));
        }
        days.push((visible, world.leaves().await.len() - leaves));
    }
    let messages = world.destinations.messages();
    let removed: Vec<usize> = messages
        .iter()
        .filter(|message| message.data.destination == "dmp-b")
        .map(|message| message.data.remove.len())
        .collect();
    assert_eq!(removed, [0, 1, 0], "the release and two days");
    assert_eq!(days[0], days[1]);
}

#[tokio::test]
async fn a_receipt_does_not_tell_whether_a_withdrawal_removed_anybody() {
    let (mut world, collaboration) = World::agreed().await;
    // The same keys as before; the webhook secret is new, and known here.
    let enrolled = world.enrol("dmp-b", Role::Destination).await;
    let secret = parse_secret(&enrolled.webhook_secret.unwrap()).unwrap();
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    let stranger = Person::many(500, 0)[499];
    let request = WithdrawalRequest {
        tokens: vec![hex::encode(stranger.token().0)],
        kind: Default::default(),
    };
    let shop = world.caller("shop");
    let sent = world.service.withdraw(&shop, &collaboration, request).await;
    sent.unwrap();
    world.work(&ALL).await;
    let mut messages = world.destinations.messages().into_iter().rev();
    let message = messages
        .find(|message| message.data.destination == "dmp-b")
        .unwrap();
    assert!(message.data.remove.is_empty() && message.data.add.is_empty());
    let mut receipts = world.events().await.into_iter().rev();
    let logged = receipts
        .find_map(|event| match event {
            Event::Delivery {
                digest,
                destination,
                ..
            } if destination == "dmp-b" => Some(digest),
            _ => None,
        })
        .unwrap();
    // The attacker knows the whole body, because nothing in it is secret.
    let body = message.to_bytes().unwrap();
    let guessed = hex::encode(receipt_digest(&[0; 32], &body));
    assert_ne!(guessed, logged);
    let start = receipt_start(&secret, &message.data.delivery);
    assert_eq!(hex::encode(receipt_digest(&start, &body)), logged);
}
