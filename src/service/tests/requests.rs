//! Oppositions and erasures: out like a withdrawal, followed to the end, and nothing left on the disk.

use std::collections::BTreeSet;
use std::time::Duration;

use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::*;

use super::heavy::{EVERYONE, Heavy};
use super::world::ALL;
use super::{Answer, Person, World};
use crate::domain::id::Id;
use crate::service::ServiceError;
use crate::service::work::JobError;
use crate::service::work::open::Layers;
use crate::sets;
use crate::store::jobs::JobKind;
use crate::store::snapshot;

pub(super) async fn send(
    world: &World,
    name: &str,
    collaboration: &str,
    kind: RequestKind,
    persons: &[Person],
) -> WithdrawalView {
    let tokens = persons.iter().map(|person| hex::encode(person.token().0));
    let request = WithdrawalRequest {
        tokens: tokens.collect(),
        kind,
    };
    let caller = world.caller(name);
    let sent = world.service.withdraw(&caller, collaboration, request);
    sent.await.unwrap()
}

async fn view(world: &World, name: &str, id: &str) -> WithdrawalView {
    let caller = world.caller(name);
    world.service.withdrawal(&caller, id).await.unwrap()
}

fn cookies(persons: &[Person]) -> BTreeSet<String> {
    persons.iter().map(Person::cookie).collect()
}

/// Whether the set of the newest upload of a side has anybody with one of the tokens.
async fn knows(world: &World, upload: &str, persons: &[Person]) -> bool {
    let id = Id::parse(upload).unwrap();
    let layers: Result<Layers, JobError> = snapshot!(world.service.store(), "layers", |tx| {
        Layers::read(tx, id).await
    });
    let set = world.service.open_set(&layers.unwrap()).unwrap();
    let mut tokens: Vec<_> = persons.iter().map(Person::token).collect();
    tokens.sort_unstable();
    !sets::owners_of(&set, &tokens).unwrap().is_empty()
}

async fn newest(world: &World, owner: &str) -> String {
    let uploads = world.service.uploads(&world.caller(owner)).await.unwrap();
    let mut sealed = uploads.into_iter();
    sealed
        .find(|one| one.state == UploadState::Sealed)
        .unwrap()
        .id
}

#[tokio::test]
async fn whatever_the_kind_the_person_is_out_everywhere_and_the_log_says_which() {
    for kind in RequestKind::ALL {
        let (world, collaboration) = World::agreed().await;
        let persons = Person::many(220, 0);
        world.upload_both(&collaboration, &persons).await;
        world.put(&collaboration, "everyone", "all").await.unwrap();
        world.work(&ALL).await;
        let sent = send(&world, "shop", &collaboration, kind, &persons[..2]).await;
        assert_eq!((sent.kind, sent.state), (kind, RequestState::Open));
        assert_eq!(sent.destinations["dsp-a"].state, RemovalState::Queued);
        world.work(&ALL).await;
        for destination in ["dsp-a", "dmp-b"] {
            let left = world.destinations.members(destination, "everyone");
            assert_eq!(left, cookies(&persons[2..]), "{kind:?}");
        }
        let done = view(&world, "shop", &sent.id).await;
        assert_eq!(done.state, RequestState::Complete, "{done:?}");
        assert_eq!(done.erasure.is_some(), kind == RequestKind::Erasure);
        let said = world
            .events()
            .await
            .into_iter()
            .find_map(|event| match event {
                Event::Withdrawal {
                    withdrawal, kind, ..
                } if withdrawal == sent.id => Some(kind),
                _ => None,
            });
        let word = (kind != RequestKind::Withdrawal).then(|| kind.as_str().to_owned());
        assert_eq!(said.unwrap(), word);
    }
}

#[tokio::test]
async fn a_side_lists_its_own_requests_and_never_the_other_sides() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(3, 0);
    let kinds = [RequestKind::Opposition, RequestKind::Withdrawal];
    let mut sent = Vec::new();
    for (kind, person) in kinds.into_iter().zip(&persons) {
        sent.insert(
            0,
            send(&world, "shop", &collaboration, kind, &[*person])
                .await
                .id,
        );
    }
    send(&world, "graphs", &collaboration, kinds[0], &persons[2..]).await;
    let (shop, rival) = (world.caller("shop"), world.caller("rival"));
    let listed = world.service.withdrawals(&shop, &collaboration);
    let listed: Vec<String> = listed
        .await
        .unwrap()
        .into_iter()
        .map(|one| one.id)
        .collect();
    assert_eq!(listed, sent);
    let stranger = world.service.withdrawals(&rival, &collaboration);
    assert!(matches!(stranger.await, Err(ServiceError::NotFound)));
}

#[tokio::test]
async fn a_destination_that_cannot_be_told_expires_by_the_day_it_declared_or_somebody_must_look() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    let told = world.service.now();
    world.pass(Duration::from_secs(3 * 24 * 3600));
    world.destinations.answer(&[Answer::Refuse, Answer::Refuse]);
    let sent = send(
        &world,
        "shop",
        &collaboration,
        RequestKind::Withdrawal,
        &persons[..1],
    )
    .await;
    world.work(&[JobKind::Deliver]).await;
    let stuck = view(&world, "shop", &sent.id).await;
    assert_eq!(stuck.state, RequestState::Stuck);
    // 30 days after the person was told of, not after the request; and one for what was on its way.
    let by = told
        .checked_add(Duration::from_secs(31 * 24 * 3600))
        .unwrap();
    let there = &stuck.destinations["dsp-a"];
    assert_eq!(there.state, RemovalState::Expires);
    assert_eq!(there.expires_by.as_deref(), Some(&by.to_string()[..10]));
    assert_eq!(stuck.destinations["dmp-b"].state, RemovalState::Failed);
    assert_eq!(stuck.destinations["dmp-b"].expires_by, None);
    // The next day's delivery makes good for both.
    world.pass(Duration::from_secs(24 * 3600));
    world.service.queue_sweep().await.unwrap();
    world.work(&ALL).await;
    let done = view(&world, "shop", &sent.id).await;
    assert_eq!(done.state, RequestState::Complete, "{done:?}");
    assert_eq!(
        world.destinations.members("dmp-b", "everyone"),
        cookies(&persons[1..])
    );
}

#[tokio::test]
async fn an_erased_person_is_in_no_file_of_the_side_that_erased_it_and_nobody_else_is_touched() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    world.put(&collaboration, "everyone", "all").await.unwrap();
    world.work(&ALL).await;
    let sent = send(
        &world,
        "graphs",
        &collaboration,
        RequestKind::Erasure,
        &persons[..3],
    )
    .await;
    let (own, theirs) = (newest(&world, "graphs").await, newest(&world, "shop").await);
    assert!(knows(&world, &own, &persons[..3]).await, "not yet");
    world.work(&ALL).await;
    assert!(!knows(&world, &own, &persons[..3]).await);
    for person in &persons[3..] {
        assert!(knows(&world, &own, &[*person]).await);
    }
    // Each side answers for what it sent.
    assert!(knows(&world, &theirs, &persons[..3]).await);
    let done = view(&world, "graphs", &sent.id).await;
    assert_eq!(done.state, RequestState::Complete, "{done:?}");
    let leaf = done.erasure.unwrap().log_index.unwrap();
    let leaf = &world.leaves().await[usize::try_from(leaf).unwrap()];
    assert!(matches!(&leaf.event, Event::Erasure { withdrawal, .. } if *withdrawal == sent.id));
    assert_eq!(leaf.actor, "graphs");
    // Everybody else is delivered as before, from the very sets that were decided on.
    world.pass(Duration::from_secs(24 * 3600));
    world.service.queue_sweep().await.unwrap();
    world.work(&ALL).await;
    world.put(&collaboration, "others", "all").await.unwrap();
    world.work(&ALL).await;
    for audience in ["everyone", "others"] {
        let left = world.destinations.members("dmp-b", audience);
        assert_eq!(left, cookies(&persons[3..]), "{audience}");
    }
    assert!(super::checking::check(&world).await.findings.is_empty());
}

/// The mistake: the side that erased somebody sends them again.
#[tokio::test]
async fn who_was_erased_and_is_sent_again_is_erased_again_and_the_log_says_it_once() {
    let (world, collaboration) = World::agreed().await;
    let persons = Person::many(220, 0);
    world.upload_both(&collaboration, &persons).await;
    let kind = RequestKind::Erasure;
    for some in [&persons[..1], &persons[1..2]] {
        send(&world, "graphs", &collaboration, kind, some).await;
    }
    world.work(&ALL).await;
    let rows = super::graph(&collaboration, &persons);
    let first = world.send("graphs", &collaboration, &rows).await;
    world.work(&ALL).await;
    let again = &persons[..9];
    let refresh = UploadMode::Refresh;
    let second = world.change("graphs", &collaboration, refresh, again).await;
    world.work(&ALL).await;
    for upload in [&first, &second] {
        assert!(!knows(&world, upload, &persons[..2]).await);
        assert!(knows(&world, upload, &persons[2..3]).await);
    }
    let events = world.events().await.into_iter();
    let told = events.filter(|event| matches!(event, Event::Erasure { .. }));
    assert_eq!(told.count(), 2);
    assert!(super::checking::check(&world).await.findings.is_empty());
}

/// The attack: somebody who was erased comes back with the compaction of the layers it was in.
#[tokio::test]
async fn a_compaction_before_or_after_an_erasure_brings_nobody_back() {
    for compacted_first in [false, true] {
        let mut heavy = Heavy::new().await;
        let newest = heavy.newest().to_owned();
        if compacted_first {
            heavy.world.work(&[JobKind::Compact]).await;
        }
        // In the base, in a delta, and one that a delta removed.
        let out = [heavy.persons[200], heavy.persons[640], heavy.persons[5]];
        let (kind, there) = (RequestKind::Erasure, heavy.collaboration.clone());
        let sent = send(&heavy.world, "graphs", &there, kind, &out).await;
        heavy.world.work(&[JobKind::Erase]).await;
        heavy.world.work(&ALL).await;
        assert!(heavy.is_compacted(&newest).await);
        assert!(!knows(&heavy.world, &newest, &out).await);
        for (id, count) in [(heavy.deltas[0].clone(), 2), (heavy.deltas[1].clone(), 3)] {
            assert_eq!(heavy.layers(&id).await.len(), count);
            assert!(!knows(&heavy.world, &id, &out).await, "{id}");
        }
        let done = view(&heavy.world, "graphs", &sent.id).await;
        assert_eq!(done.state, RequestState::Complete);
        heavy.world.restart().await;
        let gone = cookies(&out);
        let expected: BTreeSet<String> = &heavy.cookies(120..840) - &gone;
        assert_eq!(heavy.asked(EVERYONE[1]).await, expected);
    }
}

/// The attack: a whole compacted layer that a killed run left behind, from before the erasure.
#[tokio::test]
async fn a_layer_that_was_written_before_an_erasure_is_not_taken_after_it() {
    let heavy = Heavy::new().await;
    let world = &heavy.world;
    let newest = heavy.newest().to_owned();
    let kind = JobKind::Compact;
    let held = world.lease(&world.service, kind).await.unwrap();
    // Its lease is gone when it wants to commit: the layer is whole, and no row knows it.
    world.pass(Duration::from_secs(61));
    let taken = world.lease(&world.service, kind).await.unwrap();
    let late = world.service.run(&held, &world.outbound()).await;
    assert!(matches!(late, Err(JobError::Overtaken)), "{late:?}");
    let out = [heavy.persons[200]];
    let erasure = RequestKind::Erasure;
    send(world, "graphs", &heavy.collaboration, erasure, &out).await;
    world.work(&[JobKind::Erase]).await;
    world.service.run(&taken, &world.outbound()).await.unwrap();
    assert!(heavy.is_compacted(&newest).await);
    assert!(!knows(world, &newest, &out).await);
}

#[tokio::test]
async fn an_erasure_killed_at_any_step_is_done_again_to_its_end() {
    for step in ["leased", "left over", "told too late"] {
        let (mut world, collaboration) = World::agreed().await;
        let persons = Person::many(220, 0);
        world.upload_both(&collaboration, &persons).await;
        let kind = RequestKind::Erasure;
        let sent = send(&world, "graphs", &collaboration, kind, &persons[..1]).await;
        let held = world.lease(&world.service, JobKind::Erase).await.unwrap();
        let own = newest(&world, "graphs").await;
        match step {
            // The layer that was exchanged is still there under its passing name.
            "left over" => {
                let dir = world.path().join("sets");
                let left = dir.join(format!("{own}.tmp"));
                std::fs::create_dir(&left).unwrap();
                for entry in std::fs::read_dir(dir.join(&own)).unwrap() {
                    let entry = entry.unwrap();
                    std::fs::copy(entry.path(), left.join(entry.file_name())).unwrap();
                }
            }
            "told too late" => {
                world.pass(Duration::from_secs(61));
                world.lease(&world.service, JobKind::Erase).await.unwrap();
                let late = world.service.run(&held, &world.outbound()).await;
                assert!(matches!(late, Err(JobError::Overtaken)), "{late:?}");
                let open = view(&world, "graphs", &sent.id).await;
                assert_eq!(open.state, RequestState::Open);
            }
            _ => {}
        }
        world.restart().await;
        world.service.recover().await.unwrap();
        world.work(&ALL).await;
        assert!(!knows(&world, &own, &persons[..1]).await, "{step}");
        assert!(knows(&world, &own, &persons[1..2]).await, "{step}");
        let sets = world.path().join("sets");
        let names = std::fs::read_dir(sets).unwrap();
        assert_eq!(names.count(), 2, "{step}: nothing is left over");
        let done = view(&world, "graphs", &sent.id).await;
        assert_eq!(done.state, RequestState::Complete, "{step}");
        let events = world.events().await.into_iter();
        let told = events.filter(|event| matches!(event, Event::Erasure { .. }));
        assert_eq!(told.count(), 1, "{step}");
    }
}
