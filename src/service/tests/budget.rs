//! The memory of computing jobs under a running worker: never more than the total, in the order of the
//! queue, and given back however a job ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;

use super::{Person, World, crm, graph};
use crate::service::Limits;
use crate::worker::{Settings, Worker};

const MIB: u64 = 1 << 20;

/// A world whose computing jobs share so many MiB.
async fn sharing(total: u64) -> (World, String) {
    let (mut world, collaboration) = World::agreed().await;
    world.parts.limits = Limits {
        total_memory: total * MIB,
        ..Limits::default()
    };
    world.restart().await;
    (world, collaboration)
}

async fn worker(world: &World, computing: usize) -> Worker {
    let settings = Settings {
        computing,
        poll: Duration::from_millis(20),
        ..Settings::default()
    };
    Worker::start(world.service.clone(), world.outbound(), settings)
        .await
        .unwrap()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let patience = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), patience).await;
    waited.unwrap_or_else(|_| panic!("{what}: not in time"));
}

async fn idle(world: &World) {
    for name in ["shop", "graphs"] {
        let caller = world.caller(name);
        until("jobs end", async || {
            world.service.jobs(&caller).await.unwrap().is_empty()
        })
        .await;
    }
}

async fn freed(world: &World) {
    until("memory is free", async || {
        world.service.memory().reserved() == 0
    })
    .await;
}

/// Seals 50 uploads with eight loops; how much was reserved at most, and whether in order.
async fn fifty(total: u64) -> (u64, bool) {
    let (world, collaboration) = sharing(total).await;
    let persons = Person::many(220, 0);
    let sides = [
        ("shop", crm(&collaboration, &persons)),
        ("graphs", graph(&collaboration, &persons)),
    ];
    let mut sent = Vec::new();
    // Those of one side are sealed one after the other, so both send.
    for (owner, rows) in sides.iter().cycle().take(50) {
        sent.push(world.send(owner, &collaboration, rows).await);
    }
    let (most, over) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let watching = {
        let (service, most, over) = (world.service.clone(), most.clone(), over.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                most.fetch_max(service.memory().reserved(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_micros(200));
            }
        })
    };
    let worker = worker(&world, 8).await;
    idle(&world).await;
    freed(&world).await;
    over.store(true, Ordering::Relaxed);
    watching.join().unwrap();
    worker.stop(Duration::from_secs(10)).await;
    let sealed: Vec<String> = (world.events().await.into_iter())
        .filter_map(|event| match event {
            Event::Upload { upload, .. } => Some(upload),
            _ => None,
        })
        .collect();
    assert_eq!(sealed.len(), 50);
    (most.load(Ordering::Relaxed) / MIB, sealed == sent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_jobs_never_use_more_than_the_total() {
    let (most, _) = fifty(100).await;
    assert!((33..=100).contains(&most), "{most} MiB of 100");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_fit_one_at_a_time_run_in_the_order_of_the_queue() {
    // Each would like 33 MiB and gets what there is.
    let (most, in_order) = fifty(20).await;
    assert_eq!((most, in_order), (20, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_comes_back_after_a_panic_and_the_job_is_tried_again() {
    let (world, collaboration) = sharing(64).await;
    world
        .upload_both(&collaboration, &Person::many(220, 0))
        .await;
    world.parts.engine.panic_once();
    let shop = world.caller("shop");
    let started = world.service.start_match(&shop, &collaboration).await;
    let started = started.unwrap();
    let worker = worker(&world, 2).await;
    until("the job is given back", async || {
        let jobs = world.service.jobs(&shop).await.unwrap();
        jobs[0].attempts == 1 && jobs[0].state == JobStage::Queued
    })
    .await;
    freed(&world).await;
    world.pass(Duration::from_secs(2));
    idle(&world).await;
    freed(&world).await;
    let view = world.service.match_(&shop, &started.id).await.unwrap();
    assert_eq!(view.state, JobState::Done);
    worker.stop(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_held_until_a_cancelled_job_has_stopped() {
    let (world, collaboration) = sharing(64).await;
    world
        .upload_both(&collaboration, &Person::many(220, 0))
        .await;
    world.parts.engine.stop();
    let shop = world.caller("shop");
    let service = &world.service;
    service.start_match(&shop, &collaboration).await.unwrap();
    let worker = worker(&world, 2).await;
    world.parts.engine.reached().await;
    let job = service.jobs(&shop).await.unwrap().remove(0);
    let stopping = service.cancel_job(&shop, &job.id).await.unwrap();
    assert_eq!(stopping.unwrap().state, JobStage::Stopping);
    assert!(service.memory().reserved() > 0, "the engine still computes");
    world.parts.engine.go_on();
    idle(&world).await;
    freed(&world).await;
    worker.stop(Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_waits_for_memory_can_be_cancelled_and_lets_the_next_one_in() {
    let (world, collaboration) = sharing(33).await;
    world
        .upload_both(&collaboration, &Person::many(220, 0))
        .await;
    world.parts.engine.stop();
    let shop = world.caller("shop");
    let service = &world.service;
    service.start_match(&shop, &collaboration).await.unwrap();
    let worker = worker(&world, 4).await;
    world.parts.engine.reached().await;
    let rows = crm(&collaboration, &Person::many(210, 0));
    let first = world.send("shop", &collaboration, &rows).await;
    let second = world.send("shop", &collaboration, &rows).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let jobs = service.jobs(&shop).await.unwrap();
    let waiting = jobs.iter().find(|job| job.subject == first).unwrap();
    assert_eq!(
        (waiting.state, waiting.position),
        (JobStage::Queued, Some(1))
    );
    assert_eq!(service.cancel_job(&shop, &waiting.id).await.unwrap(), None);
    world.parts.engine.go_on();
    idle(&world).await;
    freed(&world).await;
    let state = |id: String| async { service.upload(&shop, &{ id }).await.unwrap().state };
    assert_eq!(state(first).await, UploadState::Terminated);
    assert_eq!(state(second).await, UploadState::Sealed);
    worker.stop(Duration::from_secs(10)).await;
}
