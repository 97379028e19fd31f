//! Compaction: the same answers before, meanwhile and afterwards, whenever it is killed.

use std::collections::BTreeSet;
use std::time::Duration;

use tamis_protocols::wire::api::*;

use super::heavy::{BUT_COMPACTING, EVERYONE, Heavy};
use super::world::ALL;
use super::{Person, World};
use crate::service::Compaction;
use crate::service::check::Finding;
use crate::service::work::JobError;
use crate::store::jobs::JobKind;

#[tokio::test]
async fn a_heavy_set_is_compacted_and_answers_as_before() {
    let mut heavy = Heavy::new().await;
    let newest = heavy.newest().to_owned();
    assert_eq!(heavy.layers(&newest).await.len(), 4);
    assert_eq!(heavy.asked(EVERYONE[0]).await, heavy.cookies(120..840));
    heavy.world.work(&ALL).await;
    assert!(heavy.is_compacted(&newest).await);
    // A new process has no answer kept.
    heavy.world.restart().await;
    assert_eq!(heavy.asked(EVERYONE[1]).await, heavy.cookies(120..840));
    // What was pinned to the base and to the deltas is judged anew on the next day, on the same sets.
    let arrived = heavy.world.destinations.messages().len();
    heavy.world.pass(Duration::from_secs(24 * 3600));
    heavy.world.service.queue_sweep().await.unwrap();
    heavy.world.work(&ALL).await;
    assert!(heavy.world.destinations.messages().len() > arrived);
    let told = |audience| heavy.world.destinations.members("dmp-b", audience);
    assert_eq!(told("before"), heavy.cookies(0..600));
    assert_eq!(told("everyone"), heavy.cookies(120..840));
    // The layers it was made of are kept, and those of an older delta are still its set.
    assert_eq!(heavy.layers(&heavy.deltas[1].clone()).await.len(), 3);
    heavy.change(UploadMode::Remove, 720..840).await;
    heavy.change(UploadMode::Add, 840..960).await;
    heavy.world.work(&ALL).await;
    assert_eq!(heavy.layers(heavy.newest()).await.len(), 3);
    let told = heavy.asked(EVERYONE[2]).await;
    let expected: BTreeSet<String> = &heavy.cookies(120..720) | &heavy.cookies(840..960);
    assert_eq!(told, expected);
}

#[tokio::test]
async fn an_advertisers_set_is_compacted_too_and_keeps_its_segments() {
    let (mut world, collaboration) = World::agreed().await;
    world.parts.limits.compaction = Compaction {
        layers: 1,
        percent: 1000,
    };
    world.restart().await;
    let persons = Person::many(300, 250);
    world.upload_both(&collaboration, &persons).await;
    let (remove, add) = (UploadMode::Remove, UploadMode::Add);
    world
        .change("shop", &collaboration, remove, &persons[..20])
        .await;
    // Back again, and gold no more.
    let plain = Person::many(10, 0);
    let id = world.change("shop", &collaboration, add, &plain).await;
    world.work(&BUT_COMPACTING).await;
    let gold = async |world: &World, name: &str| {
        let asked = world.ask(&collaboration, name, "loyalty = gold", "dmp-b");
        asked.await.unwrap();
        world.work(&BUT_COMPACTING).await;
        world.destinations.members("dmp-b", name)
    };
    let before = gold(&world, "before").await;
    assert_eq!(before.len(), 230);
    world.work(&ALL).await;
    assert!(world.path().join("compacted").join(&id).is_dir());
    world.restart().await;
    assert_eq!(gold(&world, "afterwards").await, before);
    // Where nothing is known of the gold ones.
    let asked = world.ask(&collaboration, "everyone", "all", "dsp-a");
    asked.await.unwrap();
    world.work(&ALL).await;
    assert_eq!(world.destinations.members("dsp-a", "everyone").len(), 290);
}

#[tokio::test]
async fn a_compaction_killed_at_any_step_is_done_again_and_changes_no_answer() {
    for step in ["leased", "half written", "damaged", "whole", "committed"] {
        let mut heavy = Heavy::new().await;
        let newest = heavy.newest().to_owned();
        let kind = JobKind::Compact;
        let held = heavy.world.lease(&heavy.world.service, kind).await.unwrap();
        let dir = heavy.dir(&newest);
        let half = dir.with_extension("tmp");
        match step {
            "half written" | "damaged" => {
                let left = if step == "damaged" { &dir } else { &half };
                std::fs::create_dir(left).unwrap();
                std::fs::write(left.join("tokens"), b"half").unwrap();
            }
            "whole" => {
                // Written by a run that is told so late that its lease is gone.
                heavy.world.pass(Duration::from_secs(61));
                let taken = heavy.world.lease(&heavy.world.service, kind).await;
                let late = heavy
                    .world
                    .service
                    .run(&held, &heavy.world.outbound())
                    .await;
                assert!(matches!(late, Err(JobError::Overtaken)), "{late:?}");
                assert!(dir.is_dir() && taken.is_some());
            }
            "committed" => {
                let outbound = heavy.world.outbound();
                heavy.world.service.run(&held, &outbound).await.unwrap();
            }
            _ => {}
        }
        let committed = step == "committed";
        assert_eq!(heavy.is_compacted(&newest).await, committed, "{step}");
        heavy.world.restart().await;
        let told = heavy.asked(EVERYONE[0]).await;
        assert_eq!(told, heavy.cookies(120..840), "{step}");
        heavy.world.service.recover().await.unwrap();
        assert!(!half.exists());
        let kept = matches!(step, "damaged" | "whole" | "committed");
        assert_eq!(dir.exists(), kept, "{step}");
        heavy.world.work(&ALL).await;
        assert!(heavy.is_compacted(&newest).await, "{step}");
        heavy.world.restart().await;
        let told = heavy.asked(EVERYONE[1]).await;
        assert_eq!(told, heavy.cookies(120..840), "{step}");
    }
}

#[tokio::test]
async fn a_compaction_that_is_given_up_loses_nothing_and_leaves_nothing() {
    let heavy = Heavy::new().await;
    let held = heavy
        .world
        .lease(&heavy.world.service, JobKind::Compact)
        .await;
    heavy
        .world
        .service
        .give_up(&held.unwrap().job)
        .await
        .unwrap();
    std::fs::create_dir(heavy.dir(heavy.newest())).unwrap();
    heavy.world.service.recover().await.unwrap();
    assert!(!heavy.dir(heavy.newest()).exists());
    assert_eq!(heavy.asked(EVERYONE[0]).await, heavy.cookies(120..840));
}

#[tokio::test]
async fn an_answer_kept_from_before_a_compaction_is_not_taken_for_one_on_its_layer() {
    let heavy = Heavy::new().await;
    let world = &heavy.world;
    world.put_open(&heavy.collaboration, "everyone").await;
    world.work(&[JobKind::Decide]).await;
    // Persons have other numbers from here on, and the delivery judges on the same day.
    world.work(&[JobKind::Compact]).await;
    assert!(heavy.is_compacted(heavy.newest()).await);
    world.work(&ALL).await;
    let told = world.destinations.members("dmp-b", "everyone");
    assert_eq!(told, heavy.cookies(120..840));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_opened_the_layers_of_before_is_right_whatever_commits_meanwhile() {
    let heavy = Heavy::new().await;
    let world = &heavy.world;
    world.put_open(&heavy.collaboration, "everyone").await;
    world.work(&[JobKind::Decide]).await;
    // The decision's answer is kept: only a new one is evaluated.
    world.pass(Duration::from_secs(24 * 3600));
    world.parts.engine.stop();
    let held = world.lease(&world.service, JobKind::Deliver).await.unwrap();
    let outbound = world.outbound();
    let (delivered, ()) = tokio::join!(world.service.run(&held, &outbound), async {
        world.parts.engine.reached().await;
        let compacting = world.lease(&world.service, JobKind::Compact).await;
        let compacting = compacting.unwrap();
        world.service.run(&compacting, &outbound).await.unwrap();
        assert!(heavy.is_compacted(heavy.newest()).await);
        world.parts.engine.go_on();
    });
    delivered.unwrap();
    let told = world.destinations.members("dmp-b", "everyone");
    assert_eq!(told, heavy.cookies(120..840));
}

#[tokio::test]
async fn a_delta_keeps_to_the_layers_that_it_was_sealed_on() {
    let mut heavy = Heavy::new().await;
    let compacted = heavy.newest().to_owned();
    heavy.change(UploadMode::Add, 840..960).await;
    let outbound = heavy.world.outbound();
    let sealing = heavy.world.lease(&heavy.world.service, JobKind::Seal).await;
    let sealing = sealing.unwrap();
    let kind = JobKind::Compact;
    let compacting = heavy.world.lease(&heavy.world.service, kind).await.unwrap();
    // The compaction is on its way when a delta comes: that is sealed on the layers there are.
    heavy.world.service.run(&sealing, &outbound).await.unwrap();
    assert_eq!(heavy.layers(heavy.newest()).await.len(), 5);
    heavy
        .world
        .service
        .run(&compacting, &outbound)
        .await
        .unwrap();
    let next = heavy.world.lease(&heavy.world.service, kind).await.unwrap();
    // A newer upload was there: its own job is the one that counts.
    assert_eq!(next.job.subject, heavy.newest());
    assert!(!heavy.is_compacted(&compacted).await);
    heavy.world.service.run(&next, &outbound).await.unwrap();
    assert!(heavy.is_compacted(heavy.newest()).await);
    heavy.world.restart().await;
    assert_eq!(heavy.asked(EVERYONE[0]).await, heavy.cookies(120..960));
}

#[tokio::test]
async fn a_delta_sealed_before_a_compaction_but_committed_after_it_is_sealed_anew() {
    let mut heavy = Heavy::new().await;
    heavy.change(UploadMode::Add, 840..960).await;
    let kind = JobKind::Seal;
    let held = heavy.world.lease(&heavy.world.service, kind).await.unwrap();
    heavy.world.pass(Duration::from_secs(61));
    let taken = heavy.world.lease(&heavy.world.service, kind).await.unwrap();
    let outbound = heavy.world.outbound();
    let late = heavy.world.service.run(&held, &outbound).await;
    assert!(matches!(late, Err(JobError::Overtaken)), "{late:?}");
    heavy.world.work(&[JobKind::Compact]).await;
    assert!(heavy.is_compacted(&heavy.deltas[2].clone()).await);
    heavy.world.restart().await;
    heavy.world.service.run(&taken, &outbound).await.unwrap();
    assert_eq!(heavy.layers(heavy.newest()).await.len(), 2);
    assert_eq!(heavy.asked(EVERYONE[0]).await, heavy.cookies(120..960));
}

#[tokio::test]
async fn a_set_that_got_far_too_heavy_takes_nothing_more_in_before_it_is_compacted() {
    let mut heavy = Heavy::new().await;
    for _ in 0..6 {
        heavy.change(UploadMode::Remove, 0..1).await;
    }
    heavy.world.work(&[JobKind::Seal]).await;
    heavy.change(UploadMode::Remove, 0..1).await;
    let seal = heavy.world.lease(&heavy.world.service, JobKind::Seal).await;
    assert!(seal.is_none(), "nine layers wait to be one");
    heavy.world.work(&ALL).await;
    assert_eq!(heavy.layers(heavy.newest()).await.len(), 2);
    assert_eq!(heavy.asked(EVERYONE[0]).await, heavy.cookies(120..840));
}

#[tokio::test]
async fn compacted_sets_that_no_row_knows_are_removed_at_the_start_and_others_kept() {
    let heavy = Heavy::new().await;
    heavy.world.work(&ALL).await;
    let stray = heavy.dir("00112233445566778899aabbccddeeff");
    std::fs::create_dir(&stray).unwrap();
    std::fs::create_dir(heavy.dir("something.tmp")).unwrap();
    heavy.world.service.recover().await.unwrap();
    let left: Vec<_> = std::fs::read_dir(heavy.world.path().join("compacted"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(left, [heavy.newest().to_owned()]);
}

#[tokio::test]
async fn the_checker_reads_every_layer_and_names_the_one_that_is_damaged() {
    let heavy = Heavy::new().await;
    let check = async || heavy.world.service.check_stored(&|_, _| {}).await.unwrap();
    // A whole layer that a killed compaction left is not in anybody's way.
    let held = heavy.world.lease(&heavy.world.service, JobKind::Compact);
    let held = held.await.unwrap();
    heavy.world.pass(Duration::from_secs(61));
    heavy
        .world
        .lease(&heavy.world.service, JobKind::Compact)
        .await;
    let late = heavy
        .world
        .service
        .run(&held, &heavy.world.outbound())
        .await;
    assert!(late.is_err() && heavy.dir(heavy.newest()).is_dir());
    let whole = check().await;
    assert_eq!((whole.findings.len(), whole.leftovers.len()), (0, 0));

    heavy.world.pass(Duration::from_secs(61));
    heavy.world.work(&ALL).await;
    assert!(heavy.is_compacted(heavy.newest()).await);
    let whole = check().await;
    assert!(whole.findings.is_empty(), "{:?}", whole.findings);
    assert!(whole.leftovers.is_empty(), "{:?}", whole.leftovers);
    let layer = heavy.world.path().join("sets").join(&heavy.deltas[0]);
    for (dir, upload) in [
        (heavy.dir(heavy.newest()), heavy.newest()),
        (layer, &heavy.deltas[0]),
    ] {
        let path = dir.join("tokens");
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        *bad.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bad).unwrap();
        let findings = check().await.findings;
        let named = |finding: &&Finding| finding.object.contains(upload);
        let finding = findings.iter().find(named).expect("it is named");
        let kind = dir.parent().unwrap().file_name().unwrap();
        assert!(finding.next.contains(kind.to_str().unwrap()), "{finding:?}");
        std::fs::write(&path, good).unwrap();
    }
}
