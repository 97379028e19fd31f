//! Adding to and removing from a set: what a newer full upload would do, and nothing else.

use std::collections::BTreeSet;
use std::time::Duration;

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;
use tamis_protocols::wire::batch::UploadKind;

use super::world::ALL;
use super::{Person, World, crm, delta};
use crate::service::ServiceError;
use crate::service::work::JobError;
use crate::store::jobs::JobKind;

const SEAL: [JobKind; 1] = [JobKind::Seal];

fn cookies<'a>(persons: impl IntoIterator<Item = &'a Person>) -> BTreeSet<String> {
    persons.into_iter().map(Person::cookie).collect()
}

/// What `dmp-b` holds after everyone was asked for anew.
async fn asked_again(world: &World, collaboration: &str) -> BTreeSet<String> {
    world.put_open(collaboration, "everyone").await;
    world.work(&ALL).await;
    world.destinations.members("dmp-b", "everyone")
}

#[tokio::test]
async fn people_who_are_added_join_an_audience_that_is_asked_for_again() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(400, 0);
    world.upload_both(&collaboration, &persons[..200]).await;
    assert_eq!(
        asked_again(&world, &collaboration).await,
        cookies(&persons[..200])
    );
    for side in ["shop", "graphs"] {
        let id = world
            .change(side, &collaboration, UploadMode::Add, &persons[200..])
            .await;
        world.work(&ALL).await;
        let view = world.view(side, &id).await;
        assert_eq!(
            (view.state, view.mode),
            (UploadState::Sealed, UploadMode::Add)
        );
        let report = view.report.unwrap();
        assert_eq!(
            (report.rows, report.accepted),
            (200, 200),
            "its own rows alone"
        );
        assert!(view.parent.is_some());
        // What was decided before keeps its set.
        let told = world.destinations.members("dmp-b", "everyone");
        assert_eq!(told, cookies(&persons[..200]));
    }
    assert_eq!(asked_again(&world, &collaboration).await, cookies(&persons));
}

#[tokio::test]
async fn people_who_are_removed_leave_when_the_audience_is_asked_for_again_as_with_a_full_upload() {
    let persons = Person::many(480, 0);
    for delta in [false, true] {
        let (world, collaboration) = World::agreed().await;
        world.upload_both(&collaboration, &persons).await;
        assert_eq!(asked_again(&world, &collaboration).await.len(), 480);
        if delta {
            let mode = UploadMode::Remove;
            world
                .change("shop", &collaboration, mode, &persons[..160])
                .await;
        } else {
            let rows = crm(&collaboration, &persons[160..]);
            world.send("shop", &collaboration, &rows).await;
        }
        world.work(&ALL).await;
        // Neither the upload nor the daily judgement changes what was decided on older uploads.
        world.pass(Duration::from_secs(24 * 3600));
        world.service.queue_sweep().await.unwrap();
        world.work(&ALL).await;
        let told = world.destinations.members("dmp-b", "everyone");
        assert_eq!(told, cookies(&persons), "delta: {delta}");
        let told = asked_again(&world, &collaboration).await;
        assert_eq!(told, cookies(&persons[160..]), "delta: {delta}");
    }
}

#[tokio::test]
async fn a_person_is_refreshed_at_once_or_by_removing_one_token_and_adding_its_rows() {
    let (at_once, in_two) = (
        vec![UploadMode::Refresh],
        vec![UploadMode::Remove, UploadMode::Add],
    );
    for (side, modes) in [
        ("graphs", &at_once),
        ("shop", &at_once),
        ("graphs", &in_two),
    ] {
        let (world, collaboration) = World::agreed().await;
        let persons = Person::many(400, 0);
        world.upload_both(&collaboration, &persons).await;
        // As many as may join or leave an audience: their consent has ended on this side, and then was given
        // again.
        for (consent, there) in [
            ("2020-01-01", &persons[150..]),
            ("2026-06-01", &persons[..]),
        ] {
            let expected = cookies(there);
            let mut changed = Person::many(150, 0);
            for person in &mut changed {
                person.consent = consent.parse().unwrap();
            }
            for mode in modes {
                world.change(side, &collaboration, *mode, &changed).await;
            }
            world.work(&ALL).await;
            assert_eq!(
                asked_again(&world, &collaboration).await,
                expected,
                "{side}"
            );
        }
    }
}

#[tokio::test]
async fn a_removal_with_no_set_to_remove_from_is_refused_and_so_is_an_addition() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(20, 0);
    for mode in [UploadMode::Add, UploadMode::Remove, UploadMode::Refresh] {
        // The other side's set is no set of one's own.
        let rows = super::graph(&collaboration, &persons);
        world.send("graphs", &collaboration, &rows).await;
        let id = world.change("shop", &collaboration, mode, &persons).await;
        world.work(&ALL).await;
        let view = world.view("shop", &id).await;
        assert_eq!(view.state, UploadState::Refused);
        assert!(view.refusal.unwrap().ends_with("send a full upload first"));
        assert!(!world.path().join("sets").join(&id).exists());
    }
    let uploads = world.events().await.into_iter();
    let of_shop =
        uploads.filter(|event| matches!(event, Event::Upload { kind, .. } if kind == "crm"));
    assert_eq!(of_shop.count(), 0);
}

#[tokio::test]
async fn nobody_else_and_no_other_collaboration_has_a_part_in_a_set() {
    let (mut world, collaboration) = World::agreed().await;
    let persons = Person::many(400, 0);
    world.upload_both(&collaboration, &persons).await;
    world.enrol("rival", Role::Advertiser).await;
    world.enrol("stranger", Role::Partner).await;
    for name in ["rival", "stranger", "dsp-a"] {
        let (caller, mode) = (world.caller(name), UploadMode::Remove);
        let created = world
            .service
            .create_upload(&caller, &collaboration, mode.into(), 9)
            .await;
        assert!(matches!(created, Err(ServiceError::NotFound)), "{name}");
    }
    // The same two parties in another collaboration: there is no set of theirs.
    let terms = world.terms();
    let other = world.agree(&terms).await;
    let id = world
        .change("graphs", &other, UploadMode::Remove, &persons)
        .await;
    world.work(&ALL).await;
    assert_eq!(world.view("graphs", &id).await.state, UploadState::Refused);
    // A side's tokens leave its own set alone.
    let (shop, graphs) = (UploadMode::Remove, UploadMode::Add);
    world
        .change("shop", &collaboration, shop, &persons[..140])
        .await;
    world
        .change("graphs", &collaboration, graphs, &persons[..140])
        .await;
    world.work(&ALL).await;
    let told = asked_again(&world, &collaboration).await;
    assert_eq!(told, cookies(&persons[140..]));
    world
        .change("shop", &collaboration, UploadMode::Add, &persons[..140])
        .await;
    world.work(&ALL).await;
    assert_eq!(asked_again(&world, &collaboration).await, cookies(&persons));
}

#[tokio::test]
async fn the_report_of_a_removal_or_a_refresh_says_what_was_given_and_never_whom_it_found() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(200, 0);
    let [remove, refresh] = [UploadMode::Remove, UploadMode::Refresh];
    for (side, mode) in [
        ("shop", remove),
        ("graphs", remove),
        ("shop", refresh),
        ("graphs", refresh),
    ] {
        world.upload_both(&collaboration, &persons[..120]).await;
        let mut reports = Vec::new();
        // All of these are there, then none is.
        for part in [&persons[..10], &persons[150..160]] {
            let id = world.change(side, &collaboration, mode, part).await;
            world.work(&ALL).await;
            let mut report = world.view(side, &id).await.report.unwrap();
            report.consent_root.clear();
            assert_eq!((report.rows, report.accepted), (10, 10));
            reports.push(report);
        }
        assert_eq!(reports[0], reports[1]);
    }
}

#[tokio::test]
async fn uploads_of_one_side_are_sealed_in_the_order_in_which_they_were_completed() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(250, 0);
    world.upload_both(&collaboration, &persons[..200]).await;
    let add = UploadMode::Add;
    let part = |from: usize| &persons[from..from + 10];
    let first = world.change("graphs", &collaboration, add, part(200)).await;
    let second = world.change("graphs", &collaboration, add, part(210)).await;
    let other = world
        .change("shop", &collaboration, add, &persons[200..])
        .await;
    let running = world.lease(&world.service, JobKind::Seal).await.unwrap();
    assert_eq!(running.job.subject, first);
    // The other side does not wait; the second of this side does.
    let beside = world.lease(&world.service, JobKind::Seal).await.unwrap();
    assert_eq!(beside.job.subject, other);
    assert!(world.lease(&world.service, JobKind::Seal).await.is_none());
    let outbound = world.outbound();
    world.service.run(&beside, &outbound).await.unwrap();
    world.service.run(&running, &outbound).await.unwrap();
    world.work(&ALL).await;
    let view = world.view("graphs", &second).await;
    assert_eq!(view.parent.unwrap(), first);
    let told = asked_again(&world, &collaboration).await;
    assert_eq!(told, cookies(&persons[..220]));
}

#[tokio::test]
async fn a_mode_that_the_stream_contradicts_is_refused_in_words() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    let full = crm(&collaboration, &persons);
    let as_said = |mode| delta(UploadKind::Crm, mode, &collaboration, &persons);
    for (said, bytes) in [
        (UploadMode::Add, full),
        (UploadMode::Full, as_said(UploadMode::Add)),
        (UploadMode::Remove, as_said(UploadMode::Add)),
        (UploadMode::Add, as_said(UploadMode::Remove)),
        (UploadMode::Add, as_said(UploadMode::Refresh)),
        (UploadMode::Refresh, as_said(UploadMode::Add)),
    ] {
        let id = world.send_as("shop", &collaboration, said, &bytes).await;
        world.work(&SEAL).await;
        let view = world.view("shop", &id).await;
        assert_eq!(view.state, UploadState::Refused, "{said:?}");
        let refusal = view.refusal.unwrap();
        assert!(refusal.contains(said.as_str()), "{refusal}");
    }
}

#[tokio::test]
async fn a_delta_sealed_but_not_committed_is_finished_by_the_next_run() {
    let (mut world, collaboration) = World::agreed().await;
    let persons = Person::many(240, 0);
    world.upload_both(&collaboration, &persons[..120]).await;
    for side in ["shop", "graphs"] {
        let id = world
            .change(side, &collaboration, UploadMode::Add, &persons[120..])
            .await;
        let held = world.lease(&world.service, JobKind::Seal).await.unwrap();
        // Sealed by a run that is told so late that its lease is gone.
        world.pass(Duration::from_secs(61));
        let taken = world.lease(&world.service, JobKind::Seal).await.unwrap();
        let late = world.service.run(&held, &world.outbound()).await;
        assert!(matches!(late, Err(JobError::Overtaken)), "{late:?}");
        assert!(world.path().join("sets").join(&id).exists());
        assert_eq!(world.view(side, &id).await.state, UploadState::Sealing);
        world.restart().await;
        world.service.run(&taken, &world.outbound()).await.unwrap();
        assert_eq!(world.view(side, &id).await.report.unwrap().accepted, 120);
    }
    assert_eq!(asked_again(&world, &collaboration).await, cookies(&persons));
}

#[tokio::test]
async fn the_log_says_what_was_added_to_and_removed_from_what() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    let mut chain = Vec::new();
    for mode in [UploadMode::Add, UploadMode::Remove, UploadMode::Refresh] {
        chain.push(
            world
                .change("graphs", &collaboration, mode, &persons[..5])
                .await,
        );
    }
    world.work(&ALL).await;
    let uploads: Vec<_> = (world.events().await.into_iter())
        .filter_map(|event| match event {
            Event::Upload {
                kind,
                upload,
                mode,
                parent,
                ..
            } if kind == "graph" => Some((upload, mode, parent)),
            _ => None,
        })
        .collect();
    let [base, added, removed, refreshed] = uploads.as_slice() else {
        panic!("{uploads:?}");
    };
    assert_eq!((&base.1, &base.2), (&None, &None));
    let word = |word: &str| Some(word.to_owned());
    assert_eq!(
        *added,
        (chain[0].clone(), word("add"), Some(base.0.clone()))
    );
    assert_eq!(
        *removed,
        (chain[1].clone(), word("remove"), Some(chain[0].clone()))
    );
    assert_eq!(
        *refreshed,
        (chain[2].clone(), word("refresh"), Some(chain[1].clone()))
    );
}

#[tokio::test]
async fn a_match_is_about_the_whole_set_and_so_is_its_rate() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(600, 0);
    world.upload_both(&collaboration, &persons[..500]).await;
    let changes = [
        (UploadMode::Add, &persons[500..]),
        (UploadMode::Remove, &persons[..300]),
    ];
    for (mode, part) in changes {
        world.change("shop", &collaboration, mode, part).await;
    }
    world.work(&ALL).await;
    let shop = world.caller("shop");
    let started = world.service.start_match(&shop, &collaboration).await;
    world.work(&ALL).await;
    let view = world.service.match_(&shop, &started.unwrap().id).await;
    let view = view.unwrap();
    // 200 of the 1,300 rows that are left are in the graph.
    assert!(
        matches!(view.matched, Some(ReleasedCount::Released { about: 200 })),
        "{view:?}"
    );
    assert_eq!(view.rate, Some(MatchRate::About { percent: 15 }));
}
