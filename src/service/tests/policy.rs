//! The release policy only ever tightens: operator, terms, parties.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tamis_protocols::pairing;
use tamis_protocols::release::{Policy, Wish};
use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;
use tamis_protocols::wire::tightening::Tightening;

use super::{World, code};
use crate::service::ServiceError;

fn k_min(k_min: u32) -> Policy {
    let wish = Wish {
        k_min: Some(k_min),
        ..Wish::default()
    };
    Policy::floor().tightened(&wish).unwrap()
}

fn document(collaboration: &str, party: &str, number: u32, policy: Policy) -> Tightening {
    Tightening {
        version: 1,
        collaboration: collaboration.to_owned(),
        party: party.to_owned(),
        number,
        policy,
    }
}

fn signed(world: &World, signer: &str, document: &Tightening) -> TighteningRequest {
    let document = serde_json::to_string(document).unwrap();
    let signature = pairing::sign_tightening(&world.keys[signer], document.as_bytes());
    TighteningRequest {
        document,
        signature: BASE64_STANDARD.encode(signature),
    }
}

async fn tighten(
    world: &World,
    party: &str,
    collaboration: &str,
    number: u32,
    policy: Policy,
) -> Result<AgreedPolicyView, ServiceError> {
    let request = signed(
        world,
        party,
        &document(collaboration, party, number, policy),
    );
    let caller = world.caller(party);
    world.service.tighten(&caller, collaboration, request).await
}

async fn effective(world: &World, collaboration: &str) -> Policy {
    let shop = world.caller("shop");
    let view = world.service.agreed_policy(&shop, collaboration).await;
    view.unwrap().effective.policy
}

#[tokio::test]
async fn what_holds_is_the_tightest_of_operator_terms_and_both_parties() {
    let (mut world, _) = World::agreed().await;
    let wish = Wish {
        round_to: Some(20),
        ..Wish::default()
    };
    world.parts.policy = Policy::floor().tightened(&wish).unwrap();
    world.restart().await;
    let mut terms = world.terms();
    let wish = Wish {
        pair_cap: Some(6_000),
        ..Wish::default()
    };
    terms.release = world.parts.policy.tightened(&wish).unwrap();
    let collaboration = world.agree(&terms).await;
    assert_eq!(effective(&world, &collaboration).await, terms.release);

    let first = terms.release.and(k_min(200));
    let view = tighten(&world, "graphs", &collaboration, 1, first).await;
    assert_eq!(view.unwrap().effective.policy, first);
    let wish = Wish {
        cell_min: Some(70),
        ..Wish::default()
    };
    let second = first.tightened(&wish).unwrap();
    tighten(&world, "shop", &collaboration, 1, second)
        .await
        .unwrap();

    // Both see it, with the signatures; and it outlives a restart.
    world.restart().await;
    for party in ["shop", "graphs"] {
        let caller = world.caller(party);
        let view = world.service.agreed_policy(&caller, &collaboration).await;
        let view = view.unwrap();
        let digest = hex::encode(second.digest());
        assert_eq!(
            (view.effective.policy, view.effective.digest),
            (second, digest)
        );
        assert_eq!(view.operator.policy, world.parts.policy);
        assert_eq!(view.terms.policy, terms.release);
        let by: Vec<&str> = view
            .tightenings
            .iter()
            .map(|one| one.party.as_str())
            .collect();
        assert_eq!(by, ["graphs", "shop"]);
    }
    let leaves = world.leaves().await;
    let tightened = leaves.iter().filter_map(|leaf| match &leaf.event {
        Event::Tightening { number, .. } => Some((leaf.actor.as_str(), *number, &leaf.policy)),
        _ => None,
    });
    let digests = [first, second].map(|policy| Some(hex::encode(policy.digest())));
    let expected = [("graphs", 1, &digests[0]), ("shop", 1, &digests[1])];
    assert_eq!(tightened.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn nobody_loosens_anything() {
    let (mut world, collaboration) = World::agreed().await;
    tighten(&world, "shop", &collaboration, 1, k_min(300))
        .await
        .unwrap();
    // Neither the other party, nor the same, nor by giving one parameter for another.
    let wish = Wish {
        cell_min: Some(100),
        ..Wish::default()
    };
    for (party, number, looser) in [
        ("graphs", 1, k_min(299)),
        ("shop", 2, k_min(299)),
        ("shop", 2, Policy::floor()),
        ("graphs", 1, k_min(200).tightened(&wish).unwrap()),
    ] {
        let refused = tighten(&world, party, &collaboration, number, looser).await;
        let refused = refused.unwrap_err();
        assert_eq!(code(&refused), "invalid_policy");
        assert!(refused.to_string().contains("k_min"), "{refused}");
    }
    let same = tighten(&world, "graphs", &collaboration, 1, k_min(300)).await;
    assert_eq!(code(&same.unwrap_err()), "invalid_policy", "no change");

    // The operator that relaxes its own later relaxes nothing that was signed.
    world.parts.policy = k_min(400);
    world.restart().await;
    let mut terms = world.terms();
    let refused = world.propose(&terms).await.unwrap_err();
    assert_eq!(code(&refused), "invalid_terms");
    assert!(refused.to_string().contains("below 400"), "{refused}");
    terms.release = k_min(400);
    let agreed = world.agree(&terms).await;
    assert_eq!(effective(&world, &collaboration).await, k_min(400));
    world.parts.policy = Policy::floor();
    world.restart().await;
    assert_eq!(effective(&world, &agreed).await, k_min(400));
    assert_eq!(effective(&world, &collaboration).await, k_min(300));
}

#[tokio::test]
async fn a_forged_tightening_is_refused() {
    let (mut world, collaboration) = World::agreed().await;
    world.enrol("stranger", Role::Partner).await;
    let other = world.agree(&world.terms()).await;
    let shop = world.caller("shop");
    let honest = document(&collaboration, "shop", 1, k_min(300));
    let mut altered = signed(&world, "shop", &honest);
    altered.document = altered.document.replace("300", "301");
    let mut unsigned = signed(&world, "shop", &honest);
    unsigned.signature = String::new();
    // Signed as terms are, which is another purpose.
    let text = serde_json::to_string(&honest).unwrap();
    let as_terms = TighteningRequest {
        signature: BASE64_STANDARD
            .encode(pairing::sign_terms(&world.keys["shop"], text.as_bytes())),
        document: text,
    };
    let elsewhere = document(&other, "shop", 1, k_min(300));
    let for_partner = document(&collaboration, "graphs", 1, k_min(300));
    for (what, request, expected) in [
        ("altered", altered, "invalid_signature"),
        ("unsigned", unsigned, "invalid_signature"),
        ("as terms", as_terms, "invalid_signature"),
        (
            "by the partner",
            signed(&world, "graphs", &honest),
            "invalid_signature",
        ),
        (
            "elsewhere",
            signed(&world, "shop", &elsewhere),
            "invalid_policy",
        ),
        (
            "for the partner",
            signed(&world, "shop", &for_partner),
            "invalid_policy",
        ),
    ] {
        let refused = world.service.tighten(&shop, &collaboration, request).await;
        assert_eq!(code(&refused.unwrap_err()), expected, "{what}");
    }
    // Who is not of it does not even learn that it is there.
    let stranger = world.caller("stranger");
    let document = document(&collaboration, "stranger", 1, k_min(300));
    let request = signed(&world, "stranger", &document);
    let refused = world
        .service
        .tighten(&stranger, &collaboration, request)
        .await;
    assert_eq!(code(&refused.unwrap_err()), "not_found");
    let hidden = world.service.agreed_policy(&stranger, &collaboration).await;
    assert_eq!(code(&hidden.unwrap_err()), "not_found");
    assert_eq!(effective(&world, &collaboration).await, Policy::floor());
}

#[tokio::test]
async fn a_tightening_is_taken_once_and_in_order() {
    let (world, collaboration) = World::agreed().await;
    let shop = world.caller("shop");
    let first = signed(
        &world,
        "shop",
        &document(&collaboration, "shop", 1, k_min(200)),
    );
    let second = signed(
        &world,
        "shop",
        &document(&collaboration, "shop", 2, k_min(300)),
    );
    let send = |request: &TighteningRequest| {
        world
            .service
            .tighten(&shop, &collaboration, request.clone())
    };
    assert_eq!(code(&send(&second).await.unwrap_err()), "already_tightened");
    send(&first).await.unwrap();
    // An answer was lost: the same again is the same.
    assert_eq!(send(&first).await.unwrap().tightenings.len(), 1);
    send(&second).await.unwrap();
    assert_eq!(code(&send(&first).await.unwrap_err()), "already_tightened");
    // Two documents with one number.
    let rival = signed(
        &world,
        "shop",
        &document(&collaboration, "shop", 2, k_min(400)),
    );
    assert_eq!(code(&send(&rival).await.unwrap_err()), "already_tightened");
    let leaves = world.events().await;
    let told = leaves
        .iter()
        .filter(|event| matches!(event, Event::Tightening { .. }));
    assert_eq!(told.count(), 2);
    assert_eq!(effective(&world, &collaboration).await, k_min(300));
}

#[tokio::test]
async fn when_the_leaf_cannot_be_written_nothing_is_tightened() {
    let (world, collaboration) = World::agreed().await;
    world.spoil_next_leaf().await;
    let refused = tighten(&world, "shop", &collaboration, 1, k_min(300)).await;
    assert!(refused.is_err());
    assert_eq!(effective(&world, &collaboration).await, Policy::floor());
}

#[tokio::test]
async fn only_a_collaboration_in_force_is_tightened() {
    let (world, collaboration) = World::agreed().await;
    let proposed = world.propose(&world.terms()).await.unwrap();
    let early = tighten(&world, "shop", &proposed.id, 1, k_min(300)).await;
    assert_eq!(code(&early.unwrap_err()), "not_active");
    world.pass(std::time::Duration::from_secs(366 * 24 * 3600));
    let late = tighten(&world, "shop", &collaboration, 1, k_min(300)).await;
    assert_eq!(code(&late.unwrap_err()), "expired");
}

#[tokio::test]
async fn what_is_decided_after_a_tightening_is_decided_by_it() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &super::Person::many(400, 0))
        .await;
    let released = async |name: &str| {
        world.put(&collaboration, name, "all").await.unwrap();
        world.work(&super::world::ALL).await;
        let view = world.audience(&collaboration, name).await;
        view.destinations[0].state
    };
    assert_eq!(released("before").await, AudienceState::Released);
    tighten(&world, "graphs", &collaboration, 1, k_min(1000))
        .await
        .unwrap();
    assert_eq!(released("after").await, AudienceState::BelowMinimum);
    let leaves = world.leaves().await;
    let decided = leaves
        .iter()
        .rev()
        .find(|leaf| matches!(leaf.event, Event::GateDecision { .. }));
    assert_eq!(
        decided.unwrap().policy,
        Some(hex::encode(k_min(1000).digest()))
    );
}
