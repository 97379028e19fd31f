//! Every way in which log and database can disagree alarms; while they do, nothing leaves.

use std::fs;

use super::World;
use super::world::ALL;
use crate::domain::id::Id;
use crate::service::completeness::Difference;
use crate::service::work::{Held, JobError};
use crate::store::jobs::{Job, JobKind};
use crate::store::transact;

/// A world with a published log of a few leaves.
async fn published() -> World {
    let (world, _) = World::agreed().await;
    world.work(&ALL).await;
    world
}

async fn tampered(world: &World, statement: &'static str) {
    let done: Result<(), JobError> = transact!(world.service.store(), "tamper", |tx| {
        Ok(tx.tamper(statement).await?)
    });
    done.unwrap();
}

async fn difference(world: &World) -> Option<Difference> {
    world.service.compare_log().await.unwrap()
}

#[tokio::test]
async fn an_honest_log_is_complete_before_while_and_after_it_is_published() {
    let world = World::empty().await;
    assert!(world.service.recover().await.is_ok());
    assert_eq!(difference(&world).await, None);
    let (world, collaboration) = World::agreed().await;
    assert_eq!(difference(&world).await, None);
    world.work(&ALL).await;
    assert_eq!(difference(&world).await, None);
    // New leaves that are not published yet.
    let persons = super::Person::many(1_200, 0);
    world.upload_both(&collaboration, &persons).await;
    assert_eq!(difference(&world).await, None);
    world.work(&ALL).await;
    assert_eq!(difference(&world).await, None);
    assert!(world.service.ready().await);
}

#[tokio::test]
async fn each_way_in_which_the_database_disagrees_is_found() {
    for (statement, wanted) in [
        (
            "DELETE FROM leaves WHERE idx = (SELECT MAX(idx) FROM leaves)",
            Difference::Rows,
        ),
        ("DELETE FROM leaves WHERE idx = 1", Difference::Rows),
        (
            "INSERT INTO leaves (idx, bytes) VALUES (9000, 'more')",
            Difference::Rows,
        ),
        (
            "UPDATE counters SET value = value + 1 WHERE name = 'leaves'",
            Difference::Rows,
        ),
        (
            "UPDATE counters SET value = value + 1 WHERE name = 'published'",
            Difference::Published,
        ),
        (
            "UPDATE counters SET value = value - 1 WHERE name = 'published'",
            Difference::Size,
        ),
        (
            "UPDATE leaves SET bytes = 'forged' WHERE idx = (SELECT MAX(idx) FROM leaves)",
            Difference::Leaves,
        ),
        (
            "UPDATE leaves SET bytes = 'forged' WHERE idx = 0",
            Difference::Leaves,
        ),
    ] {
        let world = published().await;
        tampered(&world, statement).await;
        assert_eq!(difference(&world).await, Some(wanted), "{statement}");
    }
}

#[tokio::test]
async fn each_way_in_which_the_files_disagree_is_found() {
    let world = published().await;
    let log = world.path().join("log");
    let newest = |dir: &str| {
        let dir = log.join("tile").join(dir).join("000.p");
        let width = |entry: &fs::DirEntry| {
            let name = entry.file_name().into_string().unwrap();
            name.parse::<u64>().unwrap()
        };
        let files = fs::read_dir(dir).unwrap().map(Result::unwrap);
        files.max_by_key(width).unwrap().path()
    };
    let (bundle, tile) = (newest("entries"), newest("0"));
    let checkpoint = log.join("checkpoint");
    for (path, wanted) in [
        (&checkpoint, Difference::Checkpoint),
        (&bundle, Difference::Leaves),
        (&tile, Difference::Leaves),
    ] {
        let good = fs::read(path).unwrap();
        let mut bad = good.clone();
        let at = bad.len() - 3;
        bad[at] ^= 1;
        fs::write(path, bad).unwrap();
        assert_eq!(difference(&world).await, Some(wanted), "{}", path.display());
        fs::remove_file(path).unwrap();
        assert_eq!(difference(&world).await, Some(wanted), "{}", path.display());
        fs::write(path, good).unwrap();
        assert_eq!(difference(&world).await, None);
    }
}

#[tokio::test]
async fn while_log_and_database_differ_the_service_is_not_ready_and_nothing_is_delivered() {
    let (world, collaboration) = World::agreed().await;
    let persons = super::Person::many(1_200, 0);
    world.upload_both(&collaboration, &persons).await;
    world.work(&ALL).await;
    let checkpoint = world.path().join("log").join("checkpoint");
    let good = fs::read(&checkpoint).unwrap();
    fs::remove_file(&checkpoint).unwrap();
    world.service.watch_log().await.unwrap();
    assert!(!world.service.ready().await && !world.service.log_is_complete());
    let job = held_delivery(&world);
    let refused = world.service.run(&job, &world.outbound()).await;
    assert!(matches!(refused, Err(JobError::Failed(why)) if why.contains("log")));
    fs::write(&checkpoint, good).unwrap();
    world.service.watch_log().await.unwrap();
    assert!(world.service.ready().await && world.service.log_is_complete());
    // Now it goes on to what is missing here: the delivery itself.
    let gone = world.service.run(&job, &world.outbound()).await;
    assert!(!matches!(gone, Err(JobError::Failed(why)) if why.contains("log")));
}

/// A leased delivery that does not exist.
fn held_delivery(world: &World) -> Held {
    let id = || Id::random(world.service.entropy());
    let job = Job {
        id: id(),
        kind: JobKind::Deliver,
        subject: id().to_string(),
        attempts: 1,
        lease: id(),
        cancelled: false,
    };
    world.service.begin(job, None)
}
