//! Cancelling a job: what it was for ends, nothing comes of it, whatever happens at the same time.

use std::time::Duration;

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;

use super::world::ALL;
use super::{Person, World, crm};
use crate::service::ServiceError;
use crate::service::work::JobError;
use crate::store::jobs::JobKind as Kind;

impl World {
    /// An upload of the advertiser that waits for sealing, and its job.
    async fn waiting(&self, collaboration: &str) -> (String, String) {
        let rows = crm(collaboration, &Person::many(220, 0));
        let upload = self.send("shop", collaboration, &rows).await;
        (upload, self.job().await.id)
    }

    /// The advertiser's newest job.
    async fn job(&self) -> JobView {
        let jobs = self.service.jobs(&self.caller("shop")).await.unwrap();
        jobs.into_iter().next().expect("no job")
    }

    async fn cancel(&self, id: &str) -> Result<Option<JobView>, ServiceError> {
        self.service.cancel_job(&self.caller("shop"), id).await
    }

    async fn state(&self, upload: &str) -> UploadState {
        let shop = self.caller("shop");
        self.service.upload(&shop, upload).await.unwrap().state
    }

    /// Whether anything of an upload lies on the disk.
    fn lies(&self, upload: &str) -> bool {
        let at = |dir| self.path().join(dir).join(upload).exists();
        at("uploads") || at("sets")
    }

    async fn uploads_logged(&self) -> usize {
        let events = self.events().await;
        let uploads = events
            .iter()
            .filter(|one| matches!(one, Event::Upload { .. }));
        uploads.count()
    }
}

fn gone<T>(result: Result<T, ServiceError>) -> bool {
    matches!(result, Err(ServiceError::NotFound))
}

#[tokio::test]
async fn a_sealing_that_waits_is_gone_at_once_with_every_byte_of_its_upload() {
    let (world, collaboration) = World::agreed().await;
    let (upload, job) = world.waiting(&collaboration).await;
    assert!(world.lies(&upload));
    assert_eq!(world.cancel(&job).await.unwrap(), None);
    assert_eq!(world.state(&upload).await, UploadState::Terminated);
    assert!(!world.lies(&upload));
    assert!(gone(world.cancel(&job).await));
    world.work(&ALL).await;
    assert_eq!(world.state(&upload).await, UploadState::Terminated);
    assert_eq!(world.uploads_logged().await, 0);
}

#[tokio::test]
async fn a_sealing_that_runs_is_asked_to_stop_and_leaves_nothing() {
    let (world, collaboration) = World::agreed().await;
    let (upload, job) = world.waiting(&collaboration).await;
    let held = world.lease(&world.service, Kind::Seal).await.unwrap();
    let stopping = world.cancel(&job).await.unwrap().unwrap();
    assert_eq!(
        (stopping.state, stopping.estimated_seconds_left),
        (JobStage::Stopping, None)
    );
    assert!(held.cancel.is_cancelled(), "asked at once");
    assert_eq!(world.state(&upload).await, UploadState::Terminated);
    let again = world.cancel(&job).await.unwrap().unwrap();
    assert_eq!(again.state, JobStage::Stopping);
    let ended = world.service.run(&held, &world.outbound()).await;
    assert!(ended.is_err(), "it writes nothing any more");
    assert!(world.service.clear(&held.job).await.unwrap());
    assert!(gone(world.cancel(&job).await));
    assert!(!world.lies(&upload));
    assert_eq!(world.uploads_logged().await, 0);
}

#[tokio::test]
async fn a_set_that_was_whole_when_its_sealing_was_cancelled_is_removed() {
    let (world, collaboration) = World::agreed().await;
    let (upload, job) = world.waiting(&collaboration).await;
    let first = world.lease(&world.service, Kind::Seal).await.unwrap();
    // Its set is written, its row not: another lease is in the way.
    world.pass(Duration::from_secs(61));
    let held = world.lease(&world.service, Kind::Seal).await.unwrap();
    let late = world.service.run(&first, &world.outbound()).await;
    assert!(matches!(late, Err(JobError::Overtaken)), "{late:?}");
    assert!(world.path().join("sets").join(&upload).exists());
    world.cancel(&job).await.unwrap().unwrap();
    assert!(
        !world.service.clear(&first.job).await.unwrap(),
        "not its own"
    );
    assert!(world.service.clear(&held.job).await.unwrap());
    assert!(!world.lies(&upload));
}

#[tokio::test]
async fn a_request_to_cancel_survives_a_kill_and_nothing_is_resurrected() {
    let (mut world, collaboration) = World::agreed().await;
    let (upload, job) = world.waiting(&collaboration).await;
    let held = world.lease(&world.service, Kind::Seal).await.unwrap();
    world.cancel(&job).await.unwrap().unwrap();
    drop(held);
    world.restart().await;
    world.service.recover().await.unwrap();
    assert_eq!(world.job().await.state, JobStage::Stopping);
    let again = world.lease(&world.service, Kind::Seal).await.unwrap();
    assert!(again.job.cancelled);
    world.service.run(&again, &world.outbound()).await.unwrap();
    assert!(gone(world.cancel(&job).await));
    assert_eq!(world.state(&upload).await, UploadState::Terminated);
    assert!(!world.lies(&upload));
    assert_eq!(world.uploads_logged().await, 0);
}

#[tokio::test]
async fn another_instance_hears_of_it_by_its_heartbeat() {
    let (world, collaboration) = World::agreed().await;
    let (_, job) = world.waiting(&collaboration).await;
    let other = world.second_instance().await;
    let held = world.lease(&other, Kind::Seal).await.unwrap();
    world.cancel(&job).await.unwrap().unwrap();
    assert!(!held.cancel.is_cancelled(), "it runs elsewhere");
    let until = other.now().checked_add(Duration::from_secs(60)).unwrap();
    let kept = other.keep(&held, until, 0).await.unwrap();
    assert_eq!(kept, crate::store::jobs::Renewed::Cancelled);
    assert!(other.clear(&held.job).await.unwrap());
    assert!(gone(world.cancel(&job).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_finishing_and_cancelling_exactly_one_wins() {
    let (world, collaboration) = World::agreed().await;
    let mut sealed = 0;
    for round in 0..24 {
        let (upload, job) = world.waiting(&collaboration).await;
        let held = world.lease(&world.service, Kind::Seal).await.unwrap();
        let (service, outbound) = (world.service.clone(), world.outbound());
        let running = tokio::spawn(async move {
            let result = service.run(&held, &outbound).await;
            (service.clear(&held.job).await.unwrap(), result)
        });
        tokio::time::sleep(Duration::from_millis(round)).await;
        let cancelled = world.cancel(&job).await;
        let (cleared, result) = running.await.unwrap();
        match world.state(&upload).await {
            UploadState::Sealed => {
                sealed += 1;
                assert!(gone(cancelled) && result.is_ok() && !cleared);
                assert!(world.path().join("sets").join(&upload).exists());
            }
            UploadState::Terminated => {
                assert!(cancelled.is_ok());
                assert!(!world.lies(&upload), "round {round}");
            }
            other => panic!("{other:?}"),
        }
        assert!(gone(world.cancel(&job).await), "nothing is left of it");
    }
    assert_eq!(world.uploads_logged().await, sealed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_cancel_at_once_both_find_it_cancelled() {
    let (world, collaboration) = World::agreed().await;
    let (_, waiting) = world.waiting(&collaboration).await;
    let both = tokio::join!(world.cancel(&waiting), world.cancel(&waiting));
    let removed = [&both.0, &both.1].map(|one| matches!(one, Ok(None)));
    assert_eq!(removed.iter().filter(|one| **one).count(), 1, "{both:?}");
    assert!(gone(both.0) || gone(both.1));

    let (upload, running) = world.waiting(&collaboration).await;
    let held = world.lease(&world.service, Kind::Seal).await.unwrap();
    let both = tokio::join!(world.cancel(&running), world.cancel(&running));
    for one in [both.0, both.1] {
        assert_eq!(one.unwrap().unwrap().state, JobStage::Stopping);
    }
    assert!(world.service.clear(&held.job).await.unwrap());
    assert_eq!(world.state(&upload).await, UploadState::Terminated);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_match_has_failed_and_the_next_one_is_a_new_one() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(220, 0))
        .await;
    let shop = world.caller("shop");
    let service = &world.service;
    let first = service.start_match(&shop, &collaboration).await.unwrap();
    let held = world.lease(service, Kind::Match).await.unwrap();
    world.parts.engine.stop();
    let (running, outbound) = (service.clone(), world.outbound());
    let run = tokio::spawn(async move { (running.run(&held, &outbound).await, held) });
    world.parts.engine.reached().await;
    let job = world.job().await;
    let stopping = world.cancel(&job.id).await.unwrap().unwrap();
    assert_eq!(
        (stopping.kind, stopping.state),
        (JobKind::Match, JobStage::Stopping)
    );
    // At once, although the engine still computes.
    let view = service.match_(&shop, &first.id).await.unwrap();
    assert_eq!((view.state, view.matched), (JobState::Failed, None));
    let second = service.start_match(&shop, &collaboration).await.unwrap();
    assert_ne!(second.id, first.id);
    world.parts.engine.go_on();
    let (ended, held) = run.await.unwrap();
    assert!(ended.is_err(), "its answer is not written");
    assert!(service.clear(&held.job).await.unwrap());
    world.work(&ALL).await;
    let view = service.match_(&shop, &first.id).await.unwrap();
    assert_eq!((view.state, view.log_index), (JobState::Failed, None));
    let view = service.match_(&shop, &second.id).await.unwrap();
    assert_eq!(view.state, JobState::Done);
}

#[tokio::test]
async fn cancelling_a_decision_fails_everything_in_the_collaboration_that_waits_for_one() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(240, 220);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    let held = world.lease(&world.service, Kind::Decide).await.unwrap();
    world
        .put(&collaboration, "gold", "loyalty = gold")
        .await
        .unwrap();
    let waiting = world.job().await;
    assert_eq!(waiting.state, JobStage::Queued);
    // The one that runs would decide both.
    assert_eq!(world.cancel(&waiting.id).await.unwrap(), None);
    assert!(held.cancel.is_cancelled());
    assert_eq!(world.job().await.state, JobStage::Stopping);
    for name in ["everyone", "gold"] {
        let view = world.audience(&collaboration, name).await;
        let failed = |at: &AudienceAtDestination| at.state == AudienceState::Failed;
        assert!(view.destinations.iter().all(failed), "{name}");
    }
    // What is asked from now on is not cancelled.
    world
        .put(&collaboration, "gold", "loyalty = gold")
        .await
        .unwrap();
    assert!(world.service.run(&held, &world.outbound()).await.is_err());
    assert!(world.service.clear(&held.job).await.unwrap());
    world.work(&ALL).await;
    let view = world.audience(&collaboration, "gold").await;
    let released = |at: &AudienceAtDestination| at.state == AudienceState::Released;
    assert!(view.destinations.iter().all(released));
    let view = world.audience(&collaboration, "everyone").await;
    assert!(view.destinations.iter().all(|at| !released(at)));
    assert!(world.destinations.members("dmp-b", "everyone").is_empty());
}

#[tokio::test]
async fn an_upload_that_is_being_sealed_is_still_not_ended_the_way_of_tus() {
    let (world, collaboration) = World::agreed().await;
    let (upload, _) = world.waiting(&collaboration).await;
    let shop = world.caller("shop");
    let ended = world.service.terminate_upload(&shop, &upload).await;
    let code = match ended {
        Err(ServiceError::Conflict { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code, "upload_complete");
    world.work(&ALL).await;
    assert_eq!(world.state(&upload).await, UploadState::Sealed);
}
