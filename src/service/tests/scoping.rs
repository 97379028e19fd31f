//! Another party's resource looks exactly like one that does not exist, in every use case.

use tamis_protocols::wire::api::*;

use super::world::ALL;
use super::{Person, World};
use crate::service::ServiceError;

const NOWHERE: &str = "00112233445566778899aabbccddeeff";

fn hidden<T>(result: Result<T, ServiceError>) -> bool {
    matches!(result, Err(ServiceError::NotFound))
}

#[tokio::test]
async fn another_partys_ids_are_not_there() {
    let (mut world, collaboration) = World::agreed().await;
    world.enrol("rival", Role::Advertiser).await;
    world.enrol("stranger", Role::Partner).await;
    world.enrol("eye", Role::Auditor).await;
    let persons = Person::many(220, 220);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    let shop = world.caller("shop");
    let service = &world.service;
    let matched = service.start_match(&shop, &collaboration).await.unwrap();
    let tokens = vec![hex::encode(persons[0].token().0)];
    let withdrawal = service
        .withdraw(
            &shop,
            &collaboration,
            WithdrawalRequest {
                tokens: tokens.clone(),
                kind: Default::default(),
            },
        )
        .await
        .unwrap();
    world.work(&ALL).await;
    let delivery = service.deliveries(&shop, &collaboration).await.unwrap();
    let delivery = &delivery[0].id;
    let upload = service.uploads(&shop).await.unwrap();
    let upload = &upload[0].id;

    for name in ["rival", "stranger", "eye", "dsp-a"] {
        let other = world.caller(name);
        let request = AudienceRequest {
            expression: "all".into(),
            destinations: vec!["dsp-a".into()],
            purpose: AudienceUse::Target,
            holdout_percent: None,
        };
        let acceptance = AcceptanceRequest {
            signature: "AAAA".into(),
            sealed_share: "AAAA".into(),
        };
        let withdrawn = WithdrawalRequest {
            tokens: tokens.clone(),
            kind: Default::default(),
        };
        for id in [collaboration.as_str(), NOWHERE, "x"] {
            assert!(hidden(service.collaboration(&other, id).await));
            assert!(hidden(service.accept(&other, id, acceptance.clone()).await));
            assert!(hidden(
                service
                    .create_upload(&other, id, Default::default(), 0)
                    .await
            ));
            assert!(hidden(
                service
                    .create_upload(&other, id, Default::default(), u64::MAX)
                    .await
            ));
            assert!(hidden(service.start_match(&other, id).await));
            assert!(hidden(
                service
                    .put_audience(&other, id, "everyone", request.clone())
                    .await
            ));
            assert!(hidden(
                service
                    .put_audience(&other, id, "BAD NAME", request.clone())
                    .await
            ));
            assert!(hidden(service.audience(&other, id, "everyone").await));
            assert!(hidden(service.audiences(&other, id).await));
            assert!(hidden(service.deliveries(&other, id).await));
            assert!(hidden(
                service.withdraw(&other, id, withdrawn.clone()).await
            ));
        }
        for (mine, missing) in [(upload.as_str(), NOWHERE), (delivery.as_str(), "x")] {
            for id in [mine, missing] {
                assert!(hidden(service.upload(&other, id).await));
                assert!(hidden(service.begin_append(&other, id, 0).await));
                assert!(hidden(service.terminate_upload(&other, id).await));
                assert!(hidden(service.delivery(&other, id).await));
            }
        }
        assert!(hidden(service.match_(&other, &matched.id).await));
        assert!(hidden(service.withdrawal(&other, &withdrawal.id).await));
        assert!(service.uploads(&other).await.unwrap().is_empty());
        assert!(service.collaborations(&other).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn the_partner_sees_no_segments_no_uploads_and_no_rate_of_the_advertiser() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(220, 220))
        .await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    let (shop, graphs) = (world.caller("shop"), world.caller("graphs"));
    let service = &world.service;
    let started = service.start_match(&shop, &collaboration).await.unwrap();
    world.work(&ALL).await;
    assert!(hidden(service.audiences(&graphs, &collaboration).await));
    assert!(hidden(
        service.audience(&graphs, &collaboration, "everyone").await
    ));
    let upload = &service.uploads(&shop).await.unwrap()[0].id;
    assert!(hidden(service.upload(&graphs, upload).await));
    let own = service.match_(&shop, &started.id).await.unwrap();
    let theirs = service.match_(&graphs, &started.id).await.unwrap();
    assert_eq!(own.matched, theirs.matched);
    assert!(own.rate.is_some());
    assert!(theirs.rate.is_none());
}
