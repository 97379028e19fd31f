//! Uploads: nothing that was acknowledged is lost, nothing is written twice.

use std::time::Duration;

use tamis_protocols::wire::api::UploadState;

use super::World;
use super::world::ALL;
use crate::service::{Limits, ServiceError};
use crate::store::jobs::JobKind;

fn code<T>(result: Result<T, ServiceError>) -> &'static str {
    match result {
        Err(ServiceError::Invalid { code, .. } | ServiceError::Conflict { code, .. }) => code,
        Err(ServiceError::NotFound) => "not_found",
        Err(_) => "other",
        Ok(_) => "ok",
    }
}

/// The offset, once no writer that was dropped is at work in the background.
async fn offset(world: &World, id: &str) -> u64 {
    let shop = world.caller("shop");
    world.service.upload(&shop, id).await.unwrap().offset
}

#[tokio::test]
async fn a_second_writer_is_locked_out_until_the_first_is_done() {
    let (world, collaboration) = World::agreed().await;
    let shop = world.caller("shop");
    let upload = world.create(&collaboration, 10).await;
    let first = world.append_at(&upload.id, 0).await;
    let second = world.service.begin_append(&shop, &upload.id, 0).await;
    assert_eq!(code(second), "upload_locked");
    assert_eq!(
        code(world.service.terminate_upload(&shop, &upload.id).await),
        "upload_locked"
    );
    world.cut(&upload.id, first).await;
    assert_eq!(
        code(world.service.begin_append(&shop, &upload.id, 0).await),
        "ok"
    );
}

#[tokio::test]
async fn a_cut_connection_keeps_what_arrived() {
    let (mut world, collaboration) = World::agreed().await;
    let shop = world.caller("shop");
    let upload = world.create(&collaboration, 10).await;
    let mut writer = world.append_at(&upload.id, 0).await;
    writer.append(b"0123").await.unwrap();
    world.cut(&upload.id, writer).await;
    assert_eq!(offset(&world, &upload.id).await, 4);
    assert_eq!(
        code(world.service.begin_append(&shop, &upload.id, 0).await),
        "offset_mismatch"
    );
    world.restart().await;
    assert_eq!(offset(&world, &upload.id).await, 4);
    let mut writer = world.append_at(&upload.id, 4).await;
    writer.append(b"456789").await.unwrap();
    assert_eq!(writer.commit().await.unwrap(), 10);
    let view = world.service.upload(&shop, &upload.id).await.unwrap();
    assert_eq!((view.state, view.offset), (UploadState::Sealing, 10));
}

#[tokio::test]
async fn an_upload_that_was_cut_after_its_last_byte_is_sealed_all_the_same() {
    let (mut world, collaboration) = World::agreed().await;
    let shop = world.caller("shop");
    let upload = world.create(&collaboration, 4).await;
    let mut writer = world.append_at(&upload.id, 0).await;
    writer.append(b"0123").await.unwrap();
    world.cut(&upload.id, writer).await;
    world.restart().await;
    let view = world.service.upload(&shop, &upload.id).await.unwrap();
    assert_eq!((view.state, view.offset), (UploadState::Sealing, 4));
    assert!(world.lease(&world.service, JobKind::Seal).await.is_some());
}

#[tokio::test]
async fn bytes_with_a_wrong_checksum_are_taken_back() {
    let (world, collaboration) = World::agreed().await;
    let upload = world.create(&collaboration, 10).await;
    let mut writer = world.append_at(&upload.id, 0).await;
    writer.append(b"0123").await.unwrap();
    assert_eq!(writer.commit().await.unwrap(), 4);
    let mut writer = world.append_at(&upload.id, 4).await;
    writer.append(b"xx").await.unwrap();
    writer.rollback().await.unwrap();
    assert_eq!(offset(&world, &upload.id).await, 4);
}

#[tokio::test]
async fn bytes_whose_checksum_was_never_seen_do_not_survive_a_cut_or_a_kill() {
    let (mut world, collaboration) = World::agreed().await;
    let shop = world.caller("shop");
    let upload = world
        .service
        .create_upload(&shop, &collaboration, Default::default(), 4 << 20)
        .await
        .unwrap();
    for restart in [false, true] {
        let mut writer = world
            .service
            .begin_append(&shop, &upload.id, 0)
            .await
            .unwrap();
        writer.all_or_nothing().await.unwrap();
        writer.append(&vec![7; 3 << 20]).await.unwrap();
        drop(writer);
        if restart {
            world.restart().await;
        }
        assert_eq!(offset(&world, &upload.id).await, 0);
    }
    let mut writer = world.append_at(&upload.id, 0).await;
    writer.all_or_nothing().await.unwrap();
    writer.append(&vec![7; 3 << 20]).await.unwrap();
    assert_eq!(writer.commit().await.unwrap(), 3 << 20);
    world.restart().await;
    assert_eq!(offset(&world, &upload.id).await, 3 << 20);
}

#[tokio::test]
async fn no_more_bytes_than_declared_are_taken() {
    let (world, collaboration) = World::agreed().await;
    let upload = world.create(&collaboration, 3).await;
    let mut writer = world.append_at(&upload.id, 0).await;
    assert_eq!(code(writer.append(b"0123").await), "too_many_bytes");
}

#[tokio::test]
async fn lengths_and_numbers_of_uploads_are_limited() {
    let (mut world, collaboration) = World::agreed().await;
    world.parts.limits = Limits {
        upload_length: 100,
        open_uploads: 2,
        ..Limits::default()
    };
    world.restart().await;
    let shop = world.caller("shop");
    let create = async |length| {
        world
            .service
            .create_upload(&shop, &collaboration, Default::default(), length)
            .await
    };
    assert_eq!(code(create(0).await), "empty_upload");
    assert_eq!(code(create(101).await), "upload_too_long");
    let first = create(100).await.unwrap();
    assert_eq!(code(create(100).await), "ok");
    assert_eq!(code(create(100).await), "too_many_uploads");
    world
        .service
        .terminate_upload(&shop, &first.id)
        .await
        .unwrap();
    assert_eq!(code(create(100).await), "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_quota_holds_when_uploads_are_created_at_the_same_time() {
    let (world, collaboration) = World::agreed().await;
    let tries: Vec<_> = (0..12)
        .map(|_| {
            let (service, shop) = (world.service.clone(), world.caller("shop"));
            let collaboration = collaboration.clone();
            tokio::spawn(async move {
                service
                    .create_upload(&shop, &collaboration, Default::default(), 9)
                    .await
            })
        })
        .collect();
    let mut created = 0;
    for attempt in tries {
        created += usize::from(attempt.await.unwrap().is_ok());
    }
    assert_eq!(created, 4);
}

#[tokio::test]
async fn an_ended_upload_is_gone_from_the_disk_and_ends_only_once() {
    let (world, collaboration) = World::agreed().await;
    let shop = world.caller("shop");
    let upload = world.create(&collaboration, 10).await;
    let mut writer = world.append_at(&upload.id, 0).await;
    writer.append(b"0123").await.unwrap();
    writer.commit().await.unwrap();
    let spool = world.path().join("uploads").join(&upload.id);
    assert!(spool.exists());
    world
        .service
        .terminate_upload(&shop, &upload.id)
        .await
        .unwrap();
    world
        .service
        .terminate_upload(&shop, &upload.id)
        .await
        .unwrap();
    assert!(!spool.exists());
    assert_eq!(
        code(world.service.begin_append(&shop, &upload.id, 4).await),
        "upload_terminated"
    );
}

#[tokio::test]
async fn an_incomplete_upload_ends_after_its_time_and_a_complete_one_does_not() {
    let (world, collaboration) = World::agreed().await;
    let shop = world.caller("shop");
    let open = world.create(&collaboration, 10).await;
    let sent = world.send("shop", &collaboration, b"not an upload").await;
    world.pass(Duration::from_secs(24 * 3600));
    world.service.queue_sweep().await.unwrap();
    world.work(&ALL).await;
    let state = async |id: &str| world.service.upload(&shop, id).await.unwrap().state;
    assert_eq!(state(&open.id).await, UploadState::Terminated);
    assert_eq!(state(&sent).await, UploadState::Refused);
    assert_eq!(
        code(world.service.terminate_upload(&shop, &sent).await),
        "upload_complete"
    );
}

#[tokio::test]
async fn what_is_not_an_upload_is_refused_in_words_for_its_owner() {
    let (world, collaboration) = World::agreed().await;
    let id = world
        .send("shop", &collaboration, b"email\nsomebody@example.com\n")
        .await;
    world.work(&ALL).await;
    let view = world
        .service
        .upload(&world.caller("shop"), &id)
        .await
        .unwrap();
    assert_eq!(view.state, UploadState::Refused);
    assert!(!view.refusal.unwrap().is_empty());
    assert!(!world.path().join("uploads").join(&id).exists());
    assert!(!world.path().join("sets").join(&id).exists());
}
