//! Killed at any point: nothing lost, nothing done twice.

use std::time::Duration;

use tamis_protocols::transparency::{self, Event, TileStore};
use tamis_protocols::wire::api::*;

use super::population::CROWD;
use super::world::ALL;
use super::{Answer, Person, World, crm};
use crate::service::work::JobError;
use crate::store::jobs::JobKind;
use crate::worker::{Settings, Worker};

/// Runs a job and drops it after a moment: what a kill leaves is what was committed by then.
async fn kill_while_running(world: &World, kind: JobKind) {
    let held = world.lease(&world.service, kind).await.unwrap();
    let outbound = world.outbound();
    let run = world.service.run(&held, &outbound);
    tokio::time::timeout(Duration::from_secs(20), async {
        tokio::select! {
            done = run => panic!("it ended: {done:?}"),
            () = async {
                while world.destinations.hanging() == 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            } => {}
        }
    })
    .await
    .expect("the destination was not reached");
}

async fn ready(count: u32) -> (World, String) {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(count, 0))
        .await;
    world.put_open(&collaboration, "everyone").await;
    world.work(&[JobKind::Decide, JobKind::Publish]).await;
    (world, collaboration)
}

#[tokio::test]
async fn a_worker_killed_while_sending_goes_on_with_the_same_batch_after_its_restart() {
    let (mut world, _) = ready(25_000).await;
    world
        .destinations
        .answer(&[Answer::Take, Answer::TakeAndHang]);
    kill_while_running(&world, JobKind::Deliver).await;
    world.restart().await;
    // Its lease still runs, but it is its own.
    assert!(
        world
            .lease(&world.service, JobKind::Deliver)
            .await
            .is_none()
    );
    world.service.recover().await.unwrap();
    world.work(&ALL).await;
    let arrived = world.destinations.arrived();
    assert_eq!(arrived.len(), 4, "the batch in doubt came twice, no other");
    assert_eq!(arrived[1], arrived[2]);
    assert_eq!(
        world.destinations.members("dmp-b", "everyone").len(),
        25_000
    );
    let receipts = world.events().await;
    let receipts = receipts
        .iter()
        .filter(|event| matches!(event, Event::Delivery { .. }));
    assert_eq!(receipts.count(), 1);
}

#[tokio::test]
async fn a_lease_whose_worker_died_is_taken_over_by_another_instance_when_it_ends() {
    let (world, _) = ready(220).await;
    world.destinations.answer(&[Answer::TakeAndHang]);
    kill_while_running(&world, JobKind::Deliver).await;
    let other = world.second_instance().await;
    assert_ne!(other.instance(), world.service.instance());
    other.recover().await.unwrap();
    assert!(world.lease(&other, JobKind::Deliver).await.is_none());
    world.pass(Duration::from_secs(61));
    let held = world.lease(&other, JobKind::Deliver).await.unwrap();
    other.run(&held, &world.outbound()).await.unwrap();
    let arrived = world.destinations.arrived();
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[0], arrived[1]);
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_writes_nothing_more() {
    let (world, collaboration) = ready(220).await;
    let slow = world.lease(&world.service, JobKind::Deliver).await.unwrap();
    world.pass(Duration::from_secs(61));
    let fast = world.lease(&world.service, JobKind::Deliver).await.unwrap();
    world.service.run(&fast, &world.outbound()).await.unwrap();
    let leaves = world.leaves().await.len();
    let late = world.service.run(&slow, &world.outbound()).await;
    assert!(matches!(late, Err(JobError::Overtaken)), "{late:?}");
    assert_eq!(world.leaves().await.len(), leaves);
    assert_eq!(world.destinations.arrived().len(), 1);
    let shop = world.caller("shop");
    let view = &world
        .service
        .deliveries(&shop, &collaboration)
        .await
        .unwrap()[0];
    assert_eq!((view.state, view.attempts), (DeliveryState::Delivered, 1));
}

#[tokio::test]
async fn a_sealing_that_committed_its_set_but_not_its_row_is_finished() {
    let (mut world, collaboration) = World::agreed().await;
    let rows = crm(&collaboration, &Person::many(220, 0));
    let id = world.send("shop", &collaboration, &rows).await;
    let held = world.lease(&world.service, JobKind::Seal).await.unwrap();
    // Sealed by a run that is told so late that its lease is gone.
    world.pass(Duration::from_secs(61));
    let taken = world.lease(&world.service, JobKind::Seal).await.unwrap();
    let late = world.service.run(&held, &world.outbound()).await;
    assert!(matches!(late, Err(JobError::Overtaken)), "{late:?}");
    assert!(world.path().join("sets").join(&id).exists());
    world.restart().await;
    world.service.run(&taken, &world.outbound()).await.unwrap();
    let view = world
        .service
        .upload(&world.caller("shop"), &id)
        .await
        .unwrap();
    assert_eq!(view.state, UploadState::Sealed);
    assert_eq!(view.report.unwrap().accepted, u64::from(CROWD));
    let uploads = world.events().await;
    let uploads = uploads
        .iter()
        .filter(|event| matches!(event, Event::Upload { .. }));
    assert_eq!(uploads.count(), 1);
}

#[tokio::test]
async fn a_job_that_fails_too_often_is_given_up_and_releases_nothing() {
    let (world, collaboration) = World::agreed().await;
    world
        .upload_both(&collaboration, &Person::many(220, 0))
        .await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    for entry in std::fs::read_dir(world.path().join("sets")).unwrap() {
        std::fs::remove_dir_all(entry.unwrap().path()).unwrap();
    }
    let held = world.lease(&world.service, JobKind::Decide).await.unwrap();
    let failed = world.service.run(&held, &world.outbound()).await;
    assert!(matches!(failed, Err(JobError::Failed(_))));
    world.service.give_up(&held.job).await.unwrap();
    let view = world.audience(&collaboration, "everyone").await;
    assert!(
        view.destinations
            .iter()
            .all(|at| at.state == AudienceState::Failed)
    );
    let events = world.events().await;
    assert!(
        !events
            .iter()
            .any(|event| matches!(event, Event::GateDecision { .. }))
    );
    // Asking again is a new decision.
    let again = world.put(&collaboration, "everyone", "all").await.unwrap();
    assert_eq!(again.destinations[0].state, AudienceState::Deciding);
}

#[tokio::test]
async fn files_that_no_row_knows_are_removed_at_the_start() {
    let (world, _) = ready(220).await;
    world.work(&ALL).await;
    let members = world.path().join("members");
    let (sets, spools) = (world.path().join("sets"), world.path().join("uploads"));
    let emissions = world.path().join("emissions");
    for dir in [&members, &sets, &spools, &emissions] {
        std::fs::write(dir.join("00112233445566778899aabbccddeeff"), b"left over").unwrap();
    }
    std::fs::create_dir(sets.join("00112233445566778899aabbccddeefe.tmp")).unwrap();
    std::fs::write(members.join("something.tmp"), b"left over").unwrap();
    world.service.recover().await.unwrap();
    let left = |dir| std::fs::read_dir(dir).unwrap().count();
    assert_eq!((left(&members), left(&sets), left(&spools)), (1, 2, 0));
    assert_eq!(left(&emissions), 1);
}

/// The published files, as an auditor reads them.
pub(super) struct Published(pub(super) std::path::PathBuf);

impl TileStore for Published {
    fn read(&self, path: &str) -> std::io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.0.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(_) => Ok(None),
        }
    }

    fn write(&mut self, _: &str, _: &[u8]) -> std::io::Result<()> {
        panic!("an auditor only reads")
    }
}

#[tokio::test]
async fn the_published_log_satisfies_an_auditor_after_every_kind_of_event() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 90);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world
        .put(&collaboration, "gold", "loyalty = gold")
        .await
        .unwrap();
    let shop = world.caller("shop");
    world
        .service
        .start_match(&shop, &collaboration)
        .await
        .unwrap();
    for mode in [UploadMode::Remove, UploadMode::Add, UploadMode::Refresh] {
        world
            .change("graphs", &collaboration, mode, &persons[..9])
            .await;
    }
    world.work(&ALL).await;
    let tokens = vec![hex::encode(persons[0].token().0)];
    world
        .service
        .withdraw(
            &shop,
            &collaboration,
            WithdrawalRequest {
                tokens,
                kind: Default::default(),
            },
        )
        .await
        .unwrap();
    world.work(&ALL).await;
    let log = Published(world.path().join("log"));
    let summary = transparency::verify(&log, &world.service.log_key()).unwrap();
    let leaves = world.leaves().await.len() as u64;
    assert_eq!(summary.leaves, leaves);
    let checkpoint = world.service.checkpoint().await.unwrap();
    assert!(checkpoint.contains(&format!("\n{leaves}\n")));
    assert!(world.service.tile("0/000").await.unwrap().is_none());
    let entries = format!("entries/000.p/{leaves}");
    assert!(world.service.tile(&entries).await.unwrap().is_some());
    assert!(world.service.tile("../instance").await.unwrap().is_none());
}

#[tokio::test]
async fn a_publisher_that_lost_its_lease_shows_nothing_and_the_next_goes_on() {
    let (mut world, _) = World::agreed().await;
    world.work(&[JobKind::Publish]).await;
    let before = world.service.checkpoint().await.unwrap();
    world.enrol("eye", Role::Auditor).await;
    let held = world.lease(&world.service, JobKind::Publish).await.unwrap();
    world.pass(Duration::from_secs(61));
    // The second run holds the lease: the first writes its tiles, and signs nothing.
    let taken = world.lease(&world.service, JobKind::Publish).await.unwrap();
    assert!(world.service.run(&held, &world.outbound()).await.is_err());
    assert_eq!(world.service.checkpoint().await.unwrap(), before);
    world.service.run(&taken, &world.outbound()).await.unwrap();
    let leaves = world.leaves().await.len() as u64;
    let log = Published(world.path().join("log"));
    let summary = transparency::verify(&log, &world.service.log_key()).unwrap();
    assert_eq!(summary.leaves, leaves);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_worker_does_everything_and_stops_when_told() {
    let (world, collaboration) = World::agreed().await;
    let settings = Settings {
        poll: Duration::from_millis(20),
        ..Settings::default()
    };
    let worker = Worker::start(world.service.clone(), world.outbound(), settings)
        .await
        .unwrap();
    let persons = Person::many(220, 0);
    let rows = crm(&collaboration, &persons);
    world.send("shop", &collaboration, &rows).await;
    let rows = super::graph(&collaboration, &persons);
    world.send("graphs", &collaboration, &rows).await;
    let patience = async {
        while world.put(&collaboration, "everyone", "all").await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        while world.destinations.members("dsp-a", "everyone").len() < 220
            || world.destinations.members("dmp-b", "everyone").len() < 220
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), patience)
        .await
        .expect("not done in time");
    worker.stop(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_stopped_at_shutdown_is_given_back_uncounted() {
    let (mut world, collaboration) = ready(220).await;
    world.destinations.answer(&[Answer::TakeAndHang]);
    let worker = Worker::start(world.service.clone(), world.outbound(), Settings::default())
        .await
        .unwrap();
    let reached = async {
        while world.destinations.hanging() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reached)
        .await
        .expect("not reached");
    worker.stop(Duration::from_secs(10)).await;
    let shop = world.caller("shop");
    let view = &world
        .service
        .deliveries(&shop, &collaboration)
        .await
        .unwrap()[0];
    assert_eq!((view.state, view.attempts), (DeliveryState::Queued, 0));
    world.restart().await;
    world.work(&ALL).await;
    assert_eq!(world.destinations.members("dmp-b", "everyone").len(), 220);
}
