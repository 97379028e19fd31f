//! Proposing and accepting.

use std::time::Duration;

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;
use tamis_protocols::wire::terms::{Destination, Terms};

use super::{World, code};

async fn four() -> World {
    World::agreed().await.0
}

#[tokio::test]
async fn terms_that_cannot_hold_are_refused_with_the_reason() {
    let world = four().await;
    type Spoil = fn(&mut Terms);
    let spoilers: [(&str, Spoil); 18] = [
        ("version", |t| t.version = 3),
        ("nonce", |t| t.nonce = "xyz".into()),
        ("you", |t| t.advertiser = "graphs".into()),
        ("partner", |t| t.partner = "nobody".into()),
        ("partner's role", |t| t.partner = "dsp-a".into()),
        ("protocol", |t| t.protocol = "telepathy".into()),
        ("epoch", |t| t.epoch = 0),
        ("no identifiers", |t| t.identifiers.clear()),
        ("identifiers twice", |t| {
            t.identifiers.push(t.identifiers[0])
        }),
        ("no destinations", |t| t.destinations.clear()),
        ("destination", |t| {
            t.destinations.push(Destination::new("graphs", None))
        }),
        ("destinations twice", |t| {
            t.destinations.push(t.destinations[0].clone())
        }),
        ("another key", |t| {
            t.destinations[0] = Destination::new("dsp-a", Some(&[8; 32]))
        }),
        ("a key left out", |t| {
            t.destinations[0] = Destination::new("dsp-a", None)
        }),
        ("a key where there is none", |t| {
            t.destinations[1] = Destination::new("dmp-b", Some(&[9; 32]))
        }),
        ("version", |t| t.version = 1),
        ("expires", |t| t.expires = "2026-11-22".parse().unwrap()),
        ("purposes", |t| t.partner_consent.purposes = vec![12]),
    ];
    for (what, spoil) in spoilers {
        let mut terms = world.terms();
        spoil(&mut terms);
        let refused = world.propose(&terms).await.unwrap_err();
        assert_eq!(code(&refused), "invalid_terms", "{what}");
    }
    assert_eq!(
        world
            .service
            .collaborations(&world.caller("shop"))
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn only_the_exact_bytes_count_as_signed() {
    let world = four().await;
    let terms = serde_json::to_string(&world.terms()).unwrap();
    let mut request = world.proposal("shop", &terms);
    request.terms.push(' ');
    let shop = world.caller("shop");
    let refused = world.service.propose(&shop, request).await.unwrap_err();
    assert_eq!(code(&refused), "invalid_signature");
    let by_another = world.proposal("graphs", &terms);
    let refused = world.service.propose(&shop, by_another).await.unwrap_err();
    assert_eq!(code(&refused), "invalid_signature");
}

#[tokio::test]
async fn only_the_partner_of_the_terms_accepts_and_only_once() {
    let mut world = four().await;
    world.enrol("stranger", Role::Partner).await;
    let view = world.propose(&world.terms()).await.unwrap();
    assert_eq!(view.state, CollaborationState::Proposed);
    assert!(view.share_for_you.is_none());
    let accept = async |name: &str| {
        let signed = world.proposal(name, &view.terms);
        let request = AcceptanceRequest {
            signature: signed.signature,
            sealed_share: signed.sealed_share,
        };
        world
            .service
            .accept(&world.caller(name), &view.id, request)
            .await
    };
    assert_eq!(code(&accept("stranger").await.unwrap_err()), "not_found");
    assert_eq!(code(&accept("shop").await.unwrap_err()), "wrong_side");
    let accepted = accept("graphs").await.unwrap();
    assert_eq!(accepted.state, CollaborationState::Active);
    assert_eq!(
        code(&accept("graphs").await.unwrap_err()),
        "already_accepted"
    );
    let seen = world
        .service
        .collaboration(&world.caller("shop"), &view.id)
        .await
        .unwrap();
    assert!(seen.share_for_you.is_some());
    let acceptances = world.events().await;
    let acceptances = acceptances.iter().filter(
        |event| matches!(event, Event::Acceptance { collaboration } if *collaboration == view.id),
    );
    assert_eq!(acceptances.count(), 1);
}

#[tokio::test]
async fn the_same_proposal_again_changes_nothing() {
    let world = four().await;
    let terms = world.terms();
    let first = world.propose(&terms).await.unwrap();
    let again = world.propose(&terms).await.unwrap();
    assert_eq!(first.id, again.id);
    let proposals = world.events().await;
    let proposals = proposals
        .iter()
        .filter(|event| matches!(event, Event::Proposal { .. }));
    assert_eq!(proposals.count(), 2);
}

#[tokio::test]
async fn nothing_new_is_accepted_after_the_last_day() {
    let world = four().await;
    let proposed = world.propose(&world.terms()).await.unwrap();
    let shop = world.caller("shop");
    let all = world.service.collaborations(&shop).await.unwrap();
    let active = all.iter().find(|view| view.id != proposed.id).unwrap();
    world.pass(Duration::from_secs(366 * 24 * 3600));
    let upload = world
        .service
        .create_upload(&shop, &active.id, Default::default(), 10)
        .await;
    assert_eq!(code(&upload.unwrap_err()), "expired");
    assert_eq!(
        code(&world.put(&active.id, "a", "all").await.unwrap_err()),
        "expired"
    );
    let started = world.service.start_match(&shop, &active.id).await;
    assert_eq!(code(&started.unwrap_err()), "expired");
    let view = world
        .service
        .collaboration(&shop, &active.id)
        .await
        .unwrap();
    assert_eq!(view.state, CollaborationState::Expired);
}

#[tokio::test]
async fn a_proposed_collaboration_takes_no_upload() {
    let world = four().await;
    let view = world.propose(&world.terms()).await.unwrap();
    for side in ["shop", "graphs"] {
        let refused = world
            .service
            .create_upload(&world.caller(side), &view.id, Default::default(), 10)
            .await;
        assert_eq!(code(&refused.unwrap_err()), "not_active");
    }
}
