//! The privacy budget: never overspent, charged for every answer, once for each question, and given back.

use std::time::Duration;

use tamis_protocols::release::{Policy, Wish};
use tamis_protocols::wire::api::*;

use super::asking::{asking, refusal};
use super::world::ALL;
use super::{Person, World, crm, graph};
use crate::service::ServiceError;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// As many questions as somebody likes, all about everyone.
fn question(number: usize) -> String {
    format!(r#""all" = yes or loyalty = kind-{number}"#)
}

async fn ask(
    world: &World,
    collaboration: &str,
    number: usize,
) -> Result<AudienceView, ServiceError> {
    let (name, expression) = (format!("audience-{number}"), question(number));
    world.ask(collaboration, &name, &expression, "dmp-b").await
}

async fn ready() -> (World, String) {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(400, 0))
        .await;
    (world, collaboration)
}

/// Everything that the pair may spend is spent.
async fn exhausted() -> (World, String) {
    let (world, collaboration) = ready().await;
    for number in 0..20 {
        ask(&world, &collaboration, number).await.unwrap();
    }
    world.work(&ALL).await;
    assert_eq!(world.charges("shop").await, [400; 20]);
    (world, collaboration)
}

/// The attack: ask for everything at once, before anything is charged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_at_the_same_time_never_overspend() {
    let (world, collaboration) = ready().await;
    let tries: Vec<_> = (0..100)
        .map(|number| {
            let (service, shop) = (world.service.clone(), world.caller("shop"));
            let collaboration = collaboration.clone();
            tokio::spawn(async move {
                let name = format!("audience-{number}");
                let request = asking(&question(number), "dmp-b", None);
                service
                    .put_audience(&shop, &collaboration, &name, request)
                    .await
            })
        })
        .collect();
    let (mut accepted, mut refused) = (0, 0);
    for one in tries {
        match one.await.unwrap() {
            Ok(_) => accepted += 1,
            error => {
                let (code, detail) = refusal(error);
                assert_eq!(code, "budget_exhausted");
                // Nothing of it is charged yet, so nothing says when it will be given back.
                assert!(detail.contains("what is being decided"), "{detail}");
                refused += 1;
            }
        }
    }
    assert_eq!((accepted, refused), (20, 80));
    assert!(world.charges("shop").await.is_empty());
    world.work(&ALL).await;
    assert_eq!(world.charges("shop").await, [400; 20]);
}

#[tokio::test]
async fn a_refusal_says_when_the_budget_refills_and_then_it_does() {
    let (world, collaboration) = exhausted().await;
    let (code, detail) = refusal(ask(&world, &collaboration, 99).await);
    assert_eq!(code, "budget_exhausted");
    assert!(detail.contains("2026-12-22T09:00:00Z"), "{detail}");
    assert!(detail.contains("this advertiser with this partner"));
    let shop = world.caller("shop");
    let matching = world.service.start_match(&shop, &collaboration).await;
    assert_eq!(refusal(matching).0, "budget_exhausted");
    world.pass(30 * DAY - Duration::from_secs(1));
    assert_eq!(
        refusal(ask(&world, &collaboration, 99).await).0,
        "budget_exhausted"
    );
    world.pass(Duration::from_secs(1));
    ask(&world, &collaboration, 99).await.unwrap();
    world.work(&ALL).await;
    let at = world.at_dmp(&collaboration, "audience-99").await;
    assert_ne!(at.state, AudienceState::Deciding);
    assert_eq!(world.charges("shop").await.len(), 21);
}

#[tokio::test]
async fn what_has_its_answer_costs_nothing_under_any_name_also_when_nothing_is_left() {
    let (world, collaboration) = exhausted().await;
    let asked = world.answered(&collaboration, "again", &question(0)).await;
    let first = world.at_dmp(&collaboration, "audience-0").await;
    assert_eq!((asked.state, asked.size), (first.state, first.size));
    // The same request.
    world
        .answered(&collaboration, "audience-0", &question(0))
        .await;
    assert_eq!(world.charges("shop").await, [400; 20]);
}

#[tokio::test]
async fn an_answer_that_is_below_the_minimum_is_charged_too() {
    let (world, collaboration) = ready().await;
    let at = world
        .answered(&collaboration, "nobody", "loyalty = platinum")
        .await;
    assert_eq!(at.state, AudienceState::BelowMinimum);
    assert_eq!(world.charges("shop").await, [400]);
}

#[tokio::test]
async fn a_match_is_charged_as_one_count_once() {
    let (world, collaboration) = ready().await;
    let shop = world.caller("shop");
    for _ in 0..3 {
        let started = world.service.start_match(&shop, &collaboration).await;
        started.unwrap();
        world.work(&ALL).await;
    }
    assert_eq!(world.charges("shop").await, [200]);
}

#[tokio::test]
async fn what_was_cancelled_is_not_charged_and_no_longer_reserved() {
    let (world, collaboration) = ready().await;
    for number in 0..20 {
        ask(&world, &collaboration, number).await.unwrap();
    }
    let shop = world.caller("shop");
    let job = world.service.jobs(&shop).await.unwrap().swap_remove(0);
    world.service.cancel_job(&shop, &job.id).await.unwrap();
    let at = world.answered(&collaboration, "more", &question(99)).await;
    assert_eq!(at.state, AudienceState::Released);
    assert_eq!(world.charges("shop").await, [400]);
}

#[tokio::test]
async fn the_partners_own_budget_stops_another_advertiser() {
    let wish = Wish {
        partner_cap: Some(1_000),
        ..Wish::default()
    };
    let (mut world, collaboration) = World::agreed_on(wish).await;
    world.enrol("rival", Role::Advertiser).await;
    let mut terms = world.terms();
    terms.advertiser = "rival".into();
    terms.release = Policy::floor().tightened(&wish).unwrap();
    let text = serde_json::to_string(&terms).unwrap();
    let (rival, proposal) = (world.caller("rival"), world.proposal("rival", &text));
    let proposed = world.service.propose(&rival, proposal).await.unwrap();
    let other = world.accept(&proposed).await.id;
    let persons = Person::many(400, 0);
    world.upload_both(&collaboration, &persons).await;
    world.send("rival", &other, &crm(&other, &persons)).await;
    world.send("graphs", &other, &graph(&other, &persons)).await;
    world.work(&ALL).await;
    world.answered(&collaboration, "one", "all").await;
    let ask = async |number: usize| {
        let (name, expression) = (format!("audience-{number}"), question(number));
        let request = asking(&expression, "dmp-b", None);
        let asked = world.service.put_audience(&rival, &other, &name, request);
        asked.await
    };
    ask(0).await.unwrap();
    world.work(&ALL).await;
    let (code, detail) = refusal(ask(1).await);
    assert_eq!(code, "budget_exhausted");
    assert!(detail.contains("of this partner with all advertisers"));
    assert_eq!(world.charges("shop").await, [400]);
    assert_eq!(world.charges("rival").await, [400]);
    // A match still fits.
    world.service.start_match(&rival, &other).await.unwrap();
    world.work(&ALL).await;
    let mut charges = world.charges("rival").await;
    // At one moment, so in the order of their random ids.
    charges.sort_unstable();
    assert_eq!(charges, [200, 400]);
}
