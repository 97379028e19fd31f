//! Quarantine: an abnormal match rate is answered like any other, and nothing is delivered before the
//! operator has looked.

use std::collections::BTreeSet;
use std::time::Duration;

use tamis_protocols::wire::api::*;

use super::population::crm_alone;
use super::world::ALL;
use super::{Person, World, crm, graph};
use crate::domain::id::Id;
use crate::service::ServiceError;
use crate::store::jobs::JobKind;

const PERSONS: u32 = 1_000;

fn cookies(persons: &[Person]) -> BTreeSet<String> {
    persons.iter().map(Person::cookie).collect()
}

/// Everybody of the advertiser's is in the graph, or only two of three are.
async fn asked(abnormal: bool) -> (World, String, Id) {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(PERSONS, 0);
    let rows = match abnormal {
        true => crm_alone(&collaboration, &persons),
        false => crm(&collaboration, &persons),
    };
    let upload = world.send("shop", &collaboration, &rows).await;
    let rows = graph(&collaboration, &persons);
    world.send("graphs", &collaboration, &rows).await;
    world.work(&ALL).await;
    world
        .ask(&collaboration, "everyone", "all", "dmp-b")
        .await
        .unwrap();
    world.work(&[JobKind::Decide]).await;
    (world, collaboration, Id::parse(&upload).unwrap())
}

/// Everything that the parties can see of a decision and its delivery, but ids.
async fn seen(world: &World, collaboration: &str) -> Vec<String> {
    let at = world.at_dmp(collaboration, "everyone").await;
    let mut seen = vec![format!("{:?} {:?} {:?}", at.state, at.size, at.delivery)];
    for who in ["shop", "graphs"] {
        let caller = world.caller(who);
        for one in world
            .service
            .deliveries(&caller, collaboration)
            .await
            .unwrap()
        {
            seen.push(format!(
                "{:?} {:?} {} {:?} {:?}",
                one.reason, one.state, one.attempts, one.next_attempt_at, one.log_index
            ));
        }
        let jobs = world.service.jobs(&caller).await.unwrap().len();
        seen.push(format!("{jobs} jobs"));
    }
    seen.push(format!("{:?} leaves", world.leaves().await.len()));
    seen
}

#[tokio::test]
async fn an_abnormal_match_rate_is_answered_like_any_other_and_nothing_is_delivered() {
    let (normal, there, _) = asked(false).await;
    let (world, collaboration, upload) = asked(true).await;
    assert_eq!(
        seen(&world, &collaboration).await,
        seen(&normal, &there).await
    );
    assert_eq!(world.draws(), normal.draws());
    let waiting = world.service.quarantines().await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (waiting[0].upload, waiting[0].owner.as_str()),
        (upload, "shop")
    );
    assert!(normal.service.quarantines().await.unwrap().is_empty());
    // Whatever happens meanwhile.
    world.work(&ALL).await;
    world.pass(Duration::from_secs(24 * 3600));
    world.service.queue_sweep().await.unwrap();
    world.work(&ALL).await;
    assert!(world.destinations.arrived().is_empty());
    assert_eq!(world.charges("shop").await, [400]);
}

#[tokio::test]
async fn what_the_operator_lets_go_on_is_delivered_and_so_is_what_follows() {
    let (world, collaboration, upload) = asked(true).await;
    world.work(&ALL).await;
    // The same question under another name is held as well.
    world.answered(&collaboration, "again", "all").await;
    assert!(world.destinations.arrived().is_empty());
    assert_eq!(world.service.clear_quarantine(upload).await.unwrap(), 2);
    world.work(&ALL).await;
    for name in ["everyone", "again"] {
        let told = world.destinations.members("dmp-b", name);
        assert_eq!(told, cookies(&Person::many(PERSONS, 0)), "{name}");
    }
    assert!(world.service.quarantines().await.unwrap().is_empty());
    let twice = world.service.clear_quarantine(upload).await;
    assert!(matches!(twice, Err(ServiceError::NotFound)));
    // It was looked at: the same upload is not held again.
    world
        .answered(&collaboration, "everyone", r#""all" = yes"#)
        .await;
    let at = world.at_dmp(&collaboration, "everyone").await;
    assert_eq!(at.delivery, Some(DeliveryState::Delivered));
}

#[tokio::test]
async fn a_person_who_withdrew_while_the_operator_looked_is_never_delivered() {
    let (world, collaboration, upload) = asked(true).await;
    let persons = Person::many(PERSONS, 0);
    let request = WithdrawalRequest {
        tokens: vec![hex::encode(persons[0].token().0)],
        kind: Default::default(),
    };
    let shop = world.caller("shop");
    let sent = world.service.withdraw(&shop, &collaboration, request);
    sent.await.unwrap();
    world.work(&ALL).await;
    world.service.clear_quarantine(upload).await.unwrap();
    world.work(&ALL).await;
    let told = world.destinations.members("dmp-b", "everyone");
    assert_eq!(told, cookies(&persons[1..]));
}

#[tokio::test]
async fn an_audience_that_has_moved_on_is_not_taken_back_to_what_was_held() {
    let (world, collaboration, upload) = asked(true).await;
    let persons = Person::many(PERSONS, 0);
    let rows = crm(&collaboration, &persons[..700]);
    world.send("shop", &collaboration, &rows).await;
    world.work(&ALL).await;
    world.answered(&collaboration, "everyone", "all").await;
    let told = world.destinations.members("dmp-b", "everyone");
    assert_eq!(told, cookies(&persons[..700]));
    assert_eq!(world.service.clear_quarantine(upload).await.unwrap(), 0);
    world.work(&ALL).await;
    let still = world.destinations.members("dmp-b", "everyone");
    assert_eq!(still, told);
    let shop = world.caller("shop");
    let deliveries = world.service.deliveries(&shop, &collaboration).await;
    let states: Vec<_> = deliveries.unwrap().iter().map(|one| one.state).collect();
    assert_eq!(states, [DeliveryState::Delivered, DeliveryState::Failed]);
}
