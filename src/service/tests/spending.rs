//! The budget as its two parties see it.

use std::time::Duration;

use tamis_protocols::release::Wish;
use tamis_protocols::wire::api::*;

use super::world::ALL;
use super::{Person, World};
use crate::service::ServiceError;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A world whose terms give the pair so much, with people on both sides.
async fn with_cap(pair_cap: u32) -> (World, String) {
    let (world, _) = World::agreed().await;
    let mut terms = world.terms();
    let wish = Wish {
        pair_cap: Some(pair_cap),
        ..Wish::default()
    };
    terms.release = terms.release.tightened(&wish).unwrap();
    let collaboration = world.agree(&terms).await;
    let people = Person::many(600, 300);
    world.upload_both(&collaboration, &people).await;
    (world, collaboration)
}

async fn budget(world: &World, party: &str, collaboration: &str) -> BudgetView {
    let caller = world.caller(party);
    let view = world.service.budget(&caller, collaboration).await;
    view.unwrap()
}

fn numbers(account: &AccountView) -> (u32, u64, u64, u32) {
    (account.cap, account.spent, account.reserved, account.left)
}

#[tokio::test]
async fn what_is_asked_is_reserved_then_spent_and_comes_back() {
    let (world, collaboration) = with_cap(2_000).await;
    let shop = world.caller("shop");
    let fresh = budget(&world, "shop", &collaboration).await;
    assert_eq!(numbers(&fresh.pair), (2_000, 0, 0, 2_000));
    assert_eq!((fresh.match_charge, fresh.audience_charge), (200, 400));
    assert!(fresh.allows.an_audience && !fresh.low && fresh.pair.returns.is_empty());

    world
        .service
        .start_match(&shop, &collaboration)
        .await
        .unwrap();
    let asked = budget(&world, "shop", &collaboration).await;
    assert_eq!(numbers(&asked.pair), (2_000, 0, 200, 1_800));
    world.work(&ALL).await;
    world.pass(DAY);
    // At both destinations.
    world.put(&collaboration, "everyone", "all").await.unwrap();
    let asked = budget(&world, "shop", &collaboration).await;
    assert_eq!(numbers(&asked.pair), (2_000, 200, 800, 1_000));
    world.work(&ALL).await;
    let spent = budget(&world, "shop", &collaboration).await;
    assert_eq!(numbers(&spent.pair), (2_000, 1_000, 0, 1_000));
    let amounts: Vec<u64> = spent.pair.returns.iter().map(|back| back.amount).collect();
    assert_eq!(amounts, [200, 800]);
    assert!(spent.low, "two more fit");
    // The same again costs nothing.
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    assert_eq!(budget(&world, "shop", &collaboration).await, spent);

    world.pass(29 * DAY);
    let later = budget(&world, "shop", &collaboration).await;
    assert_eq!(numbers(&later.pair), (2_000, 800, 0, 1_200));
    world.pass(DAY);
    let later = budget(&world, "shop", &collaboration).await;
    assert_eq!(numbers(&later.pair), (2_000, 0, 0, 2_000));
}

#[tokio::test]
async fn once_it_is_used_up_it_says_when_more_is_possible_and_is_right() {
    let (world, collaboration) = with_cap(1_000).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    let view = budget(&world, "shop", &collaboration).await;
    assert_eq!(numbers(&view.pair), (1_000, 800, 0, 200));
    assert!(view.low && view.allows.a_match && !view.allows.an_audience);
    assert!(view.allows.partner_allows, "it is the pair's");
    let at = view.pair.audience_fits_at.unwrap();
    let refused = world.put(&collaboration, "gold", "loyalty = gold").await;
    let Err(ServiceError::Conflict { code, detail }) = refused else {
        panic!("not refused");
    };
    assert!(
        code == "budget_exhausted" && detail.contains(&at),
        "{detail}"
    );
    let now = world.service.now();
    let until: jiff::Timestamp = at.parse().unwrap();
    world.pass(Duration::from_secs(
        (until.as_second() - now.as_second()) as u64 - 1,
    ));
    assert!(
        !budget(&world, "shop", &collaboration)
            .await
            .allows
            .an_audience
    );
    world.pass(Duration::from_secs(1));
    let view = budget(&world, "shop", &collaboration).await;
    assert!(view.allows.an_audience && view.pair.audience_fits_at.is_none());
}

#[tokio::test]
async fn a_partners_account_is_the_partners_to_see() {
    let (world, collaboration) = with_cap(8_000).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    let own = budget(&world, "graphs", &collaboration).await;
    assert_eq!(numbers(&own.partner.unwrap()), (80_000, 800, 0, 79_200));
    let shops = budget(&world, "shop", &collaboration).await;
    assert_eq!(shops.partner, None);
    assert_eq!(shops.pair, own.pair);
}

#[tokio::test]
async fn an_advertiser_learns_of_the_others_no_more_than_that_nothing_is_left() {
    let (mut world, collaboration) = with_cap(8_000).await;
    world.enrol("rival", Role::Advertiser).await;
    let wish = Wish {
        partner_cap: Some(1_000),
        ..Wish::default()
    };
    world.parts.policy = world.parts.policy.tightened(&wish).unwrap();
    world.restart().await;
    let mut terms = world.terms();
    terms.advertiser = "rival".into();
    terms.release = world.parts.policy;
    let text = serde_json::to_string(&terms).unwrap();
    let (rival, proposal) = (world.caller("rival"), world.proposal("rival", &text));
    let view = world.service.propose(&rival, proposal).await.unwrap();
    let rivals = world.accept(&view).await.id;
    let before = budget(&world, "rival", &rivals).await;
    assert!(before.allows.partner_allows && before.allows.an_audience);
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    let mut after = budget(&world, "rival", &rivals).await;
    assert!(!after.allows.partner_allows && !after.allows.an_audience);
    // Nothing else has changed.
    after.allows = before.allows;
    assert_eq!(after, before);
}

#[tokio::test]
async fn strangers_do_not_learn_of_a_budget() {
    let (mut world, collaboration) = World::agreed().await;
    world.enrol("rival", Role::Advertiser).await;
    let rival = world.caller("rival");
    assert!(world.service.budget(&rival, &collaboration).await.is_err());
}
