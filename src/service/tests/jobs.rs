//! Jobs as their owners see them: their own, how far they are, and no more than that.

use std::time::Duration;

use tamis_protocols::wire::api::*;

use super::world::ALL;
use super::{Person, World, crm, graph};
use crate::service::work::JobError;
use crate::service::{Service, ServiceError};
use crate::store::jobs::{JobKind as Kind, Renewed};
use crate::store::transact;

const NOWHERE: &str = "00112233445566778899aabbccddeeff";

/// As the heartbeat of a worker would.
async fn show(service: &Service, held: &crate::service::work::Held, progress: u64) {
    let now = service.now();
    let shown: Result<(), JobError> = transact!(service.store(), "show", |tx| {
        Ok(tx.show_progress(&held.job, progress, now).await?)
    });
    shown.unwrap();
}

#[tokio::test]
async fn a_sealing_waits_in_line_then_runs_then_is_gone() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    let first = world
        .send("shop", &collaboration, &crm(&collaboration, &persons))
        .await;
    let rows = graph(&collaboration, &persons);
    let second = world.send("graphs", &collaboration, &rows).await;
    let (shop, graphs) = (world.caller("shop"), world.caller("graphs"));
    let service = &world.service;

    let mine = service.jobs(&shop).await.unwrap();
    let theirs = service.jobs(&graphs).await.unwrap();
    assert_eq!((mine.len(), theirs.len()), (1, 1), "each its own");
    assert_eq!((&mine[0].subject, mine[0].position), (&first, Some(1)));
    assert_eq!((&theirs[0].subject, theirs[0].position), (&second, Some(2)));
    assert_eq!(
        (mine[0].kind, mine[0].state),
        (JobKind::Seal, JobStage::Queued)
    );
    assert_eq!(
        (mine[0].attempts, mine[0].estimated_seconds_left),
        (0, None)
    );

    let held = world.lease(service, Kind::Seal).await.unwrap();
    world.pass(Duration::from_secs(10));
    show(service, &held, 250).await;
    let running = service.job(&shop, &mine[0].id).await.unwrap();
    assert_eq!((running.state, running.position), (JobStage::Running, None));
    assert_eq!((running.progress, running.attempts), (0.25, 1));
    assert_eq!(running.estimated_seconds_left, Some(30));
    let upload = service.upload(&shop, &first).await.unwrap();
    assert_eq!(upload.job, Some(running));
    let theirs = service.job(&graphs, &theirs[0].id).await.unwrap();
    assert_eq!(theirs.position, Some(1));

    service.run(&held, &world.outbound()).await.unwrap();
    assert!(service.jobs(&shop).await.unwrap().is_empty());
    assert!(matches!(
        service.job(&shop, &mine[0].id).await,
        Err(ServiceError::NotFound)
    ));
    let upload = service.upload(&shop, &first).await.unwrap();
    assert_eq!((upload.state, upload.job), (UploadState::Sealed, None));
}

#[tokio::test]
async fn progress_is_written_by_the_heartbeat_and_starts_over_with_the_run() {
    let (world, collaboration) = World::agreed().await;
    let rows = crm(&collaboration, &Person::many(220, 0));
    world.send("shop", &collaboration, &rows).await;
    let shop = world.caller("shop");
    let service = &world.service;
    let held = world.lease(service, Kind::Seal).await.unwrap();
    show(service, &held, 640).await;
    let until = service.now().checked_add(Duration::from_secs(60)).unwrap();
    let kept = service.keep(&held, until, 640).await.unwrap();
    assert_eq!(kept, Renewed::Held);
    let view = service.jobs(&shop).await.unwrap().remove(0);
    assert_eq!(view.progress, 0.0, "of this run nothing is done yet");
    world.pass(Duration::from_secs(61));
    let again = world.lease(service, Kind::Seal).await.unwrap();
    assert_eq!(service.keep(&held, until, 0).await.unwrap(), Renewed::Lost);
    let view = service.jobs(&shop).await.unwrap().remove(0);
    assert_eq!((view.progress, view.attempts), (0.0, 2));
    service.run(&again, &world.outbound()).await.unwrap();
}

#[tokio::test]
async fn a_job_is_there_for_whoever_asked_for_it_and_for_nobody_else() {
    let (mut world, collaboration) = World::agreed().await;
    world.enrol("rival", Role::Advertiser).await;
    world.enrol("stranger", Role::Partner).await;
    world.enrol("eye", Role::Auditor).await;
    world
        .upload_both(&collaboration, &Person::many(220, 0))
        .await;
    let shop = world.caller("shop");
    let service = &world.service;
    let rows = crm(&collaboration, &Person::many(210, 0));
    world.send("shop", &collaboration, &rows).await;
    service.start_match(&shop, &collaboration).await.unwrap();
    world.put(&collaboration, "everyone", "all").await.unwrap();
    let mine = service.jobs(&shop).await.unwrap();
    let kinds: Vec<JobKind> = mine.iter().map(|job| job.kind).collect();
    assert_eq!(kinds, [JobKind::Decide, JobKind::Match, JobKind::Seal]);

    // The partner too: that and how long the advertiser matches is not its business.
    for name in ["graphs", "rival", "stranger", "eye", "dsp-a"] {
        let other = world.caller(name);
        assert!(service.jobs(&other).await.unwrap().is_empty(), "{name}");
        let ids = mine.iter().map(|job| job.id.as_str());
        for id in ids.chain([NOWHERE, "x"]) {
            let seen = service.job(&other, id).await;
            assert!(matches!(seen, Err(ServiceError::NotFound)), "{name}");
            let cancelled = service.cancel_job(&other, id).await;
            assert!(matches!(cancelled, Err(ServiceError::NotFound)), "{name}");
        }
    }
    assert_eq!(service.jobs(&shop).await.unwrap(), mine);
    world.work(&ALL).await;
    assert!(service.jobs(&shop).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_match_tells_whole_percent_and_no_rows() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(220, 0))
        .await;
    let shop = world.caller("shop");
    let service = &world.service;
    service.start_match(&shop, &collaboration).await.unwrap();
    let held = world.lease(service, Kind::Match).await.unwrap();
    world.pass(Duration::from_secs(10));
    show(service, &held, 259).await;
    let view = service.jobs(&shop).await.unwrap().remove(0);
    assert_eq!(
        (view.progress, view.estimated_seconds_left),
        (0.25, Some(30))
    );
    let text = serde_json::to_string(&view).unwrap();
    assert!(!text.contains("row"), "{text}");
    service.run(&held, &world.outbound()).await.unwrap();
    assert_eq!(held.progress.thousandths(), 1000, "as the engine told");
}
