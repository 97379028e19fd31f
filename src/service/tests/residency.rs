//! Data stay where the terms say, or do not come at all.

use tamis_protocols::wire::api::*;

use super::{Person, World, crm};
use crate::domain::residency::Residency;
use crate::service::ServiceError;

fn at(tags: &[&str]) -> Residency {
    Residency::new(tags.iter().map(|tag| (*tag).to_owned()))
}

fn is_refused_for_its_place<T>(result: &Result<T, ServiceError>) -> bool {
    matches!(
        result,
        Err(ServiceError::Conflict {
            code: "residency",
            ..
        })
    )
}

/// A world whose storage has these tags, with a service that was opened anew on them.
async fn moved(mut world: World, tags: &[&str]) -> World {
    world.parts.residency = at(tags);
    world.restart().await;
    world
}

async fn agreed_in_the_union() -> (World, String) {
    let (world, _) = World::agreed().await;
    let world = moved(world, &["eu", "fr"]).await;
    let mut terms = world.terms();
    terms.residency = Some("eu".into());
    let collaboration = world.agree(&terms).await;
    (world, collaboration)
}

#[tokio::test]
async fn terms_that_keep_data_elsewhere_are_neither_taken_nor_accepted() {
    let (world, _) = World::agreed().await;
    let mut terms = world.terms();
    terms.residency = Some("eu".into());
    let refused = world.propose(&terms).await;
    assert!(is_refused_for_its_place(&refused));
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("no place in particular"), "{said}");
    let world = moved(world, &["eu"]).await;
    let proposed = world.propose(&terms).await.unwrap();
    // The operator moves before the partner has signed.
    let world = moved(world, &["us"]).await;
    let request = world.proposal("graphs", &proposed.terms);
    let request = AcceptanceRequest {
        signature: request.signature,
        sealed_share: request.sealed_share,
    };
    let partner = world.caller("graphs");
    let refused = world.service.accept(&partner, &proposed.id, request).await;
    assert!(is_refused_for_its_place(&refused));
}

#[tokio::test]
async fn a_place_is_a_tag_and_nothing_else() {
    let (world, _) = World::agreed().await;
    let world = moved(world, &["eu"]).await;
    for bad in ["", "EU", "e", "eu; drop"] {
        let mut terms = world.terms();
        terms.residency = Some(bad.into());
        let refused = world.propose(&terms).await;
        let code = "invalid_terms";
        assert!(
            matches!(refused, Err(ServiceError::Invalid { code: said, .. }) if said == code),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn not_a_byte_is_taken_by_a_service_that_was_moved_and_people_may_still_leave() {
    let (world, collaboration) = agreed_in_the_union().await;
    assert_eq!(world.service.misplaced().await.unwrap(), []);
    world
        .upload_both(&collaboration, &Person::many(220, 0))
        .await;
    let world = moved(world, &["us"]).await;
    let misplaced = world.service.misplaced().await.unwrap();
    let [(id, tag)] = misplaced.as_slice() else {
        panic!("{misplaced:?}");
    };
    assert_eq!(
        (id.to_string(), tag.as_str()),
        (collaboration.clone(), "eu")
    );
    let bytes = crm(&collaboration, &Person::many(220, 0));
    let refused = world
        .service
        .create_upload(
            &world.caller("shop"),
            &collaboration,
            UploadMode::Full.into(),
            bytes.len() as u64,
        )
        .await;
    assert!(is_refused_for_its_place(&refused));
    let tokens = vec![hex::encode(Person::many(1, 0)[0].token().0)];
    let leaving = WithdrawalRequest {
        tokens,
        kind: Default::default(),
    };
    let shop = world.caller("shop");
    let left = world.service.withdraw(&shop, &collaboration, leaving).await;
    assert_eq!(left.unwrap().tokens, 1);
}
