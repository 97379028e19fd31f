//! A withdrawal, killed at every step of it: what was acknowledged reaches every destination, what was not
//! is wholly there or not at all, and nobody comes back.

use std::collections::BTreeSet;
use std::time::Duration;

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;

use super::requests::send;
use super::world::ALL;
use super::{Answer, Person, World};
use crate::store::jobs::JobKind;

const STEPS: [&str; 7] = [
    "a file without its row",
    "committed",
    "the delivery leased",
    "sent, not acknowledged",
    "sent, and the answer lost",
    "one destination done",
    "everything done",
];

async fn told() -> (World, String, Vec<Person>) {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    (world, collaboration, persons)
}

/// Runs a delivery and drops it once a destination hangs.
async fn kill_while_sending(world: &World) {
    world.destinations.answer(&[Answer::TakeAndHang]);
    let held = world.lease(&world.service, JobKind::Deliver).await.unwrap();
    let outbound = world.outbound();
    let run = world.service.run(&held, &outbound);
    let hanging = async {
        while world.destinations.hanging() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        done = run => panic!("it ended: {done:?}"),
        () = hanging => {}
    }
}

#[tokio::test]
async fn a_withdrawal_killed_at_any_step_is_whole_or_nothing_and_ends_at_every_destination() {
    for step in STEPS {
        let (mut world, collaboration, persons) = told().await;
        let out = &persons[..2];
        let sent = match step {
            "a file without its row" => {
                // What a kill before the commit leaves: a list that nothing speaks of.
                let left = world.path().join("withdrawals").join("0a".repeat(16));
                std::fs::write(left, b"sealed tokens").unwrap();
                None
            }
            _ => {
                let kind = RequestKind::Withdrawal;
                Some(send(&world, "shop", &collaboration, kind, out).await)
            }
        };
        match step {
            "the delivery leased" => {
                world.lease(&world.service, JobKind::Deliver).await.unwrap();
            }
            "sent, not acknowledged" => kill_while_sending(&world).await,
            "sent, and the answer lost" => {
                world.destinations.answer(&[Answer::TakeAndBreak]);
                let held = world.lease(&world.service, JobKind::Deliver).await.unwrap();
                world.service.run(&held, &world.outbound()).await.unwrap();
            }
            "one destination done" => {
                let held = world.lease(&world.service, JobKind::Deliver).await.unwrap();
                world.service.run(&held, &world.outbound()).await.unwrap();
            }
            "everything done" => world.work(&ALL).await,
            _ => {}
        }
        world.restart().await;
        world.service.recover().await.unwrap();
        world.pass(Duration::from_secs(60));
        world.work(&ALL).await;
        let left: BTreeSet<String> = match &sent {
            Some(_) => persons[2..].iter().map(Person::cookie).collect(),
            None => persons.iter().map(Person::cookie).collect(),
        };
        for destination in ["dsp-a", "dmp-b"] {
            let members = world.destinations.members(destination, "everyone");
            assert_eq!(members, left, "{step}: {destination}");
        }
        let receipts = world.events().await;
        let receipts = receipts.iter();
        let receipts = receipts.filter(|event| matches!(event, Event::Delivery { .. }));
        assert_eq!(
            receipts.count(),
            if sent.is_some() { 4 } else { 2 },
            "{step}"
        );
        let Some(sent) = sent else { continue };
        let shop = world.caller("shop");
        let view = world.service.withdrawal(&shop, &sent.id).await.unwrap();
        assert_eq!(view.state, RequestState::Complete, "{step}");
        // Nobody comes back: not with the next day's look, not with a new decision on newer uploads.
        let so_far = world.destinations.messages().len();
        world.pass(Duration::from_secs(24 * 3600));
        world.service.queue_sweep().await.unwrap();
        world.work(&ALL).await;
        world.upload_both(&collaboration, &persons).await;
        world.put(&collaboration, "everyone", "all").await.unwrap();
        world.work(&ALL).await;
        for message in &world.destinations.messages()[so_far..] {
            let added = serde_json::to_string(&message.data.add).unwrap();
            for person in out {
                assert!(
                    !added.contains(&format!("\"{}\"", person.cookie())),
                    "{step}"
                );
            }
        }
        let members = world.destinations.members("dmp-b", "everyone");
        assert_eq!(members, left, "{step}, afterwards");
    }
}

/// One delivery cycle: the very next thing that a destination hears is the removal.
#[tokio::test]
async fn the_first_message_after_a_withdrawal_is_the_removal_whatever_waits_before_it() {
    let (world, collaboration, persons) = told().await;
    // Another audience is decided, and its delivery waits when somebody withdraws.
    let gold = world.put(&collaboration, "gold", r#""all" = yes"#);
    gold.await.unwrap();
    world.work(&[JobKind::Decide]).await;
    let so_far = world.destinations.messages().len();
    let kind = RequestKind::Withdrawal;
    send(&world, "shop", &collaboration, kind, &persons[..1]).await;
    world.work(&ALL).await;
    let gone = format!("\"{}\"", persons[0].cookie());
    let messages = world.destinations.messages();
    let mut told = BTreeSet::new();
    for message in &messages[so_far..] {
        let data = &message.data;
        let added = serde_json::to_string(&data.add).unwrap();
        assert!(!added.contains(&gone), "never even sent");
        if data.audience.name == "everyone" && told.insert(data.destination.clone()) {
            assert_eq!((data.remove.len(), data.add.len()), (1, 0));
        }
    }
    assert_eq!(told.len(), 2);
}
