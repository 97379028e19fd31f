//! Enrolment.

use std::time::Duration;

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::{Role, UploadState};

use super::{Person, World, code};
use crate::service::ServiceError;

#[tokio::test]
async fn a_certificate_names_its_party_until_it_ends() {
    let mut world = World::empty().await;
    let reply = world.enrol("shop", Role::Advertiser).await;
    let (_, pem) = x509_parser::pem::parse_x509_pem(reply.certificate_pem.as_bytes()).unwrap();
    let fingerprint = {
        use sha2::Digest;
        hex::encode(sha2::Sha256::digest(&pem.contents))
    };
    let caller = world.service.identify(&fingerprint).await.unwrap();
    assert_eq!(caller, Some(world.caller("shop")));
    assert_eq!(world.service.identify(&"0".repeat(64)).await.unwrap(), None);
    world.pass(Duration::from_secs(366 * 24 * 3600));
    assert_eq!(world.service.identify(&fingerprint).await.unwrap(), None);
}

#[tokio::test]
async fn a_token_used_twice_is_refused_like_an_unknown_one() {
    let mut world = World::empty().await;
    let token = world.invite("shop", Role::Advertiser).await;
    let request = world.request("shop", Role::Advertiser, token);
    world.service.enrol(request.clone()).await.unwrap();
    let again = world.service.enrol(request.clone()).await.unwrap_err();
    let unknown = super::instance::csr();
    let unknown = tamis_protocols::wire::api::EnrolmentRequest {
        token: "00".repeat(32),
        csr_pem: unknown,
        ..request
    };
    let unknown = world.service.enrol(unknown).await.unwrap_err();
    assert_eq!(code(&again), "invalid_invitation");
    assert_eq!(again.to_string(), unknown.to_string());
    let enrolments = world.events().await;
    assert_eq!(enrolments.len(), 2);
    assert!(matches!(
        &enrolments[0],
        Event::Admin { action, subject } if action == "party-invited" && subject == "shop"
    ));
    assert!(matches!(&enrolments[1], Event::Enrolment { party, .. } if party == "shop"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_race_with_one_token_one_is_enrolled() {
    let mut world = World::empty().await;
    let token = world.invite("shop", Role::Advertiser).await;
    let request = world.request("shop", Role::Advertiser, token);
    let tries: Vec<_> = (0..4)
        .map(|_| {
            let (service, request) = (world.service.clone(), request.clone());
            tokio::spawn(async move { service.enrol(request).await })
        })
        .collect();
    let mut enrolled = 0;
    for attempt in tries {
        enrolled += usize::from(attempt.await.unwrap().is_ok());
    }
    assert_eq!(enrolled, 1);
    let enrolments = world.events().await.into_iter();
    let enrolments = enrolments.filter(|event| matches!(event, Event::Enrolment { .. }));
    assert_eq!(enrolments.count(), 1);
}

#[tokio::test]
async fn a_token_is_refused_after_its_last_moment() {
    let mut world = World::empty().await;
    let token = world.invite("shop", Role::Advertiser).await;
    let request = world.request("shop", Role::Advertiser, token);
    world.pass(Duration::from_secs(7 * 24 * 3600));
    let late = world.service.enrol(request).await.unwrap_err();
    assert_eq!(code(&late), "invalid_invitation");
}

#[tokio::test]
async fn a_second_invitation_ends_the_first() {
    let mut world = World::empty().await;
    let first = world.invite("shop", Role::Advertiser).await;
    world.invite("shop", Role::Advertiser).await;
    let request = world.request("shop", Role::Advertiser, first);
    let refused = world.service.enrol(request).await.unwrap_err();
    assert_eq!(code(&refused), "invalid_invitation");
}

#[tokio::test]
async fn a_name_is_taken_once_and_nobody_is_called_operator() {
    let mut world = World::empty().await;
    world.enrol("shop", Role::Advertiser).await;
    let taken = world
        .service
        .invite("shop", Role::Partner)
        .await
        .unwrap_err();
    assert_eq!(code(&taken), "name_taken");
    for bad in ["operator", "Shop", "../x", "x"] {
        let refused = world.service.invite(bad, Role::Partner).await.unwrap_err();
        assert_eq!(code(&refused), "invalid_name");
    }
}

#[tokio::test]
async fn without_a_token_nobody_learns_what_would_be_accepted() {
    let mut world = World::empty().await;
    let mut request = world.request("shop", Role::Advertiser, "x".into());
    request.csr_pem = "nonsense".into();
    request.signing_key = "nonsense".into();
    let refused = world.service.enrol(request).await.unwrap_err();
    assert_eq!(code(&refused), "invalid_invitation");
}

#[tokio::test]
async fn a_refused_enrolment_leaves_the_token_usable() {
    let mut world = World::empty().await;
    let token = world.invite("dsp-a", Role::Destination).await;
    let good = world.request("dsp-a", Role::Destination, token);
    for (change, expected) in [
        ("csr", "invalid_csr"),
        ("key", "invalid_key"),
        ("none", "invalid_endpoint"),
        ("http", "invalid_endpoint"),
        ("user", "invalid_endpoint"),
        ("pem", "invalid_endpoint"),
    ] {
        let mut bad = good.clone();
        let endpoint = bad.endpoint.as_mut().unwrap();
        match change {
            "csr" => bad.csr_pem = "nonsense".into(),
            "key" => bad.signing_key = "AAAA".into(),
            "none" => bad.endpoint = None,
            "http" => endpoint.url = "http://dsp-a.example/".into(),
            "user" => endpoint.url = "https://me:secret@dsp-a.example/".into(),
            _ => endpoint.ca_pem = Some("nonsense".into()),
        }
        let refused = world.service.enrol(bad).await.unwrap_err();
        assert_eq!(code(&refused), expected, "{change}");
    }
    let reply = world.service.enrol(good).await.unwrap();
    assert!(reply.webhook_secret.unwrap().starts_with("whsec_"));
}

#[tokio::test]
async fn the_token_and_the_webhook_secret_are_nowhere_in_the_data_directory() {
    let mut world = World::empty().await;
    let token = world.invite("dsp-a", Role::Destination).await;
    let request = world.request("dsp-a", Role::Destination, token.clone());
    let reply = world.service.enrol(request).await.unwrap();
    let secret = reply.webhook_secret.unwrap();
    let secret = secret.strip_prefix("whsec_").unwrap().as_bytes();
    for entry in std::fs::read_dir(world.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(path).unwrap();
            for needle in [token.as_bytes(), secret] {
                assert!(!bytes.windows(needle.len()).any(|part| part == needle));
            }
        }
    }
}

#[tokio::test]
async fn enrolling_again_replaces_the_certificate_that_was_lost() {
    use sha2::Digest;
    let mut world = World::empty().await;
    let fingerprint = |pem: &str| {
        let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap();
        hex::encode(sha2::Sha256::digest(&pem.contents))
    };
    let first = world.enrol("shop", Role::Advertiser).await;
    let second = world.enrol("shop", Role::Advertiser).await;
    assert_ne!(first.party.signing_key, second.party.signing_key);
    let identify = async |reply: &tamis_protocols::wire::api::EnrolmentReply| {
        let fingerprint = fingerprint(&reply.certificate_pem);
        world.service.identify(&fingerprint).await.unwrap()
    };
    assert_eq!(identify(&first).await, None);
    assert_eq!(identify(&second).await, Some(world.caller("shop")));
    // Twice invited, twice enrolled.
    assert_eq!(world.leaves().await.len(), 4);
}

#[tokio::test]
async fn a_destination_without_its_key_does_not_open_the_cookies_of_signed_terms() {
    let (mut world, collaboration) = World::agreed().await;
    let token = world
        .service
        .invite("dsp-a", Role::Destination)
        .await
        .unwrap();
    let mut request = world.request("dsp-a", Role::Destination, token);
    request.sealing_key = None;
    world.service.enrol(request).await.unwrap();
    // Its cookies in these uploads are sealed, as the terms say: nothing else would be taken.
    world
        .upload_both(&collaboration, &Person::many(220, 0))
        .await;
    let graphs = world.caller("graphs");
    let uploads = world.service.uploads(&graphs).await.unwrap();
    assert_eq!(uploads[0].state, UploadState::Sealed);
    // What is agreed from now on knows that it has none.
    let refused = world.propose(&world.terms()).await.unwrap_err();
    assert!(matches!(refused, ServiceError::Invalid { code, .. } if code == "invalid_terms"));
}
