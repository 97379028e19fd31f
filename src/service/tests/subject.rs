//! Access: a side is told what it sent of a person, and nothing that depends on the other side.

use tamis_protocols::wire::api::*;

use super::requests::send;
use super::world::ALL;
use super::{Person, World};
use crate::service::ServiceError;

async fn about(
    world: &World,
    name: &str,
    collaboration: &str,
    person: &Person,
) -> Result<SubjectView, ServiceError> {
    let request = SubjectRequest {
        tokens: vec![hex::encode(person.token().0)],
    };
    let caller = world.caller(name);
    world.service.subject(&caller, collaboration, request).await
}

#[tokio::test]
async fn a_side_is_told_its_rows_its_requests_and_the_audiences_that_they_fit() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 110);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    let gold = world.put(&collaboration, "gold", "loyalty = gold");
    gold.await.unwrap();
    let told = about(&world, "shop", &collaboration, &persons[3])
        .await
        .unwrap();
    assert_eq!(told.rows.len(), 1);
    let both = ["all=yes", "loyalty=gold"];
    assert_eq!(told.rows[0].segments, both);
    assert!(told.rows[0].valid_until.is_some() && told.rows[0].cookies_at.is_empty());
    let names = |view: &SubjectView| -> Vec<String> {
        let audiences = view.audiences.iter();
        audiences.map(|audience| audience.name.clone()).collect()
    };
    assert_eq!(names(&told), ["everyone", "gold"]);
    let plain = about(&world, "shop", &collaboration, &persons[200]).await;
    assert_eq!(names(&plain.unwrap()), ["everyone"]);
    let theirs = about(&world, "graphs", &collaboration, &persons[3])
        .await
        .unwrap();
    assert_eq!(theirs.rows[0].cookies_at, ["dmp-b", "dsp-a"]);
    assert!(theirs.audiences.is_empty() && theirs.requests.is_empty());
    let kind = RequestKind::Opposition;
    let sent = send(&world, "shop", &collaboration, kind, &persons[3..5]).await;
    let told = about(&world, "shop", &collaboration, &persons[3])
        .await
        .unwrap();
    assert_eq!((told.requests.len(), told.requests[0].kind), (1, kind));
    assert_eq!(told.requests[0].id, sent.id);
    let theirs = about(&world, "graphs", &collaboration, &persons[3]).await;
    assert!(theirs.unwrap().requests.is_empty(), "not the other side's");
}

/// The attack: to learn from one's own access request whether the other side knows a person.
#[tokio::test]
async fn an_answer_is_the_same_whatever_the_other_side_sent() {
    let mut told = Vec::new();
    for known in [false, true] {
        let (world, collaboration) = World::agreed().await;
        let persons = Person::many(220, 0);
        let theirs = if known { &persons[..] } else { &persons[1..] };
        let rows = super::crm(&collaboration, &persons);
        world.send("shop", &collaboration, &rows).await;
        let rows = super::graph(&collaboration, theirs);
        world.send("graphs", &collaboration, &rows).await;
        world.work(&ALL).await;
        world.put(&collaboration, "everyone", "all").await.unwrap();
        world.work(&ALL).await;
        let mut view = about(&world, "shop", &collaboration, &persons[0])
            .await
            .unwrap();
        view.rows.iter_mut().for_each(|row| row.upload.clear());
        view.collaboration.clear();
        told.push(view);
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test]
async fn an_erased_person_is_told_of_the_request_alone_and_a_stranger_of_nothing() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons[1..]).await;
    let nobody = about(&world, "shop", &collaboration, &persons[0])
        .await
        .unwrap();
    assert!(nobody.rows.is_empty() && nobody.requests.is_empty());
    let kind = RequestKind::Erasure;
    send(&world, "shop", &collaboration, kind, &persons[1..2]).await;
    world.work(&ALL).await;
    let erased = about(&world, "shop", &collaboration, &persons[1])
        .await
        .unwrap();
    assert!(erased.rows.is_empty());
    assert_eq!(erased.requests[0].kind, RequestKind::Erasure);
    let stranger = about(&world, "rival", &collaboration, &persons[1]).await;
    assert!(matches!(stranger, Err(ServiceError::NotFound)));
}
