//! What a sink takes and what it refuses, over the wire.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use tamis_keys::sealing;
use tamis_protocols::wire::delivery::Message;
use tempfile::tempdir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::world::*;
use crate::delivery::batch::{Batch, Change, Cookie};
use crate::delivery::signature::sign;
use crate::delivery::testing::{HOST, now, secret};
use crate::delivery::webhook::trust::client_config;
use tamis_keys::Secret;

/// The status of a request written by hand; 0 if there is no answer.
async fn raw(world: &World, request: &[u8]) -> u16 {
    exchange(world, request, false).await
}

/// As `raw`; with `hang_up` the connection ends after the request's last byte.
async fn exchange(world: &World, request: &[u8], hang_up: bool) -> u16 {
    let tls = client_config(Some(&world.receiver.certificate_pem)).unwrap();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(tls));
    let stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let name = HOST.try_into().unwrap();
    let mut stream = connector.connect(name, stream).await.unwrap();
    stream.write_all(request).await.unwrap();
    stream.flush().await.unwrap();
    if hang_up {
        stream.shutdown().await.unwrap();
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer);
    let code = text.split(' ').nth(1).and_then(|code| code.parse().ok());
    code.unwrap_or(0)
}

/// A signed request, byte by byte, whose parts a test can bend.
fn request(batch: &Batch, signed: &str, length: usize) -> Vec<u8> {
    let mut request = format!(
        "POST / HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\ncontent-length: {length}\r\n\
         webhook-id: {}\r\nwebhook-timestamp: {}\r\nwebhook-signature: {signed}\r\n\r\n",
        batch.id,
        now().as_second(),
    )
    .into_bytes();
    request.extend_from_slice(&batch.body);
    request
}

fn signature(batch: &Batch) -> String {
    sign(&[secret()], &batch.id, now().as_second(), &batch.body)
}

#[tokio::test]
async fn members_join_and_leave_and_are_written_sorted() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let mut first = sealed(&["+zeta", "+alpha", "+beta"]);
    first.extend(sealed(&["+gamma"]));
    assert_eq!(status(world.send(&batch("loyal", 1, first)).await), 200);
    let second = sealed(&["-alpha", "+delta", "-never-there"]);
    assert_eq!(status(world.send(&batch("loyal", 2, second)).await), 200);
    let third = open(&["+alpha"]);
    assert_eq!(status(world.send(&batch("inactive", 3, third)).await), 200);
    let all_leave = sealed(&["-alpha"]);
    assert_eq!(
        status(world.send(&batch("inactive", 4, all_leave)).await),
        200
    );
    let summary = world.end().await;
    assert_eq!(
        (summary.applied, summary.members, summary.unreadable),
        (4, 4, 0)
    );
    let expected = "audience,cookie\nloyal,beta\nloyal,delta\nloyal,gamma\nloyal,zeta\n";
    assert_eq!(members(&out), expected);
}

#[tokio::test]
async fn a_large_delivery_arrives_batch_by_batch() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let cookies: Vec<String> = (0..20_001).map(|n| format!("+c{n:05}")).collect();
    let changes = open(&cookies.iter().map(String::as_str).collect::<Vec<_>>());
    for batch in batches("loyal", 1, changes) {
        assert_eq!(status(world.send(&batch).await), 200);
    }
    assert_eq!(world.end().await.members, 20_001);
    assert!(members(&out).ends_with("loyal,c20000\n"));
}

#[tokio::test]
async fn cookies_are_written_verbatim_and_quoted_where_csv_asks_for_it() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let odd = open(&["+=cmd()", "+a,b", "+say \"hi\"", "+-1", "+@x"]);
    assert_eq!(status(world.send(&batch("loyal", 1, odd)).await), 200);
    world.end().await;
    let expected = "audience,cookie\nloyal,-1\nloyal,=cmd()\nloyal,@x\nloyal,\"a,b\"\nloyal,\"say \"\"hi\"\"\"\n";
    assert_eq!(members(&out), expected);
}

#[tokio::test]
async fn members_are_written_when_it_falls_quiet_and_for_the_owner_alone() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    world.send(&batch("loyal", 1, open(&["+a"]))).await.unwrap();
    let path = out.path().join("members.csv");
    for _ in 0..100 {
        if std::fs::read_to_string(&path).is_ok_and(|text| text.contains("loyal,a")) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(members(&out).contains("loyal,a"));
    for file in ["members.csv", "journal"] {
        let mode = std::fs::metadata(out.path().join(file)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600, "{file}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_wrong_signature_changes_nothing() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let batch = batch("loyal", 1, open(&["+a"]));
    let length = batch.body.len();
    let foreign = sign(
        &[Secret::from_bytes([8; 32])],
        &batch.id,
        now().as_second(),
        &batch.body,
    );
    assert_eq!(raw(&world, &request(&batch, &foreign, length)).await, 401);
    assert_eq!(raw(&world, &request(&batch, "", length)).await, 401);
    let mut altered = request(&batch, &signature(&batch), length);
    *altered.last_mut().unwrap() = b' ';
    assert_eq!(raw(&world, &altered).await, 401);
    assert_eq!(world.end().await.applied, 0);
}

#[tokio::test]
async fn an_old_message_is_refused_and_a_fresh_attempt_of_it_is_taken() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let batch = batch("loyal", 1, open(&["+a"]));
    world.clock.advance(Duration::from_secs(301));
    assert_eq!(status(world.send(&batch).await), 401);
    let later = now() + Duration::from_secs(301);
    let body = bytes::Bytes::from(batch.body.clone());
    assert!(world.session.send(&batch.id, later, body).await.is_ok());
    assert_eq!(world.end().await.applied, 1);
}

#[tokio::test]
async fn a_replayed_message_is_acknowledged_and_changes_nothing() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let joins = batch("loyal", 1, open(&["+a"]));
    let leaves = batch("loyal", 2, open(&["-a"]));
    for batch in [&joins, &leaves, &joins, &joins] {
        assert_eq!(status(world.send(batch).await), 200);
    }
    let summary = world.end().await;
    assert_eq!(
        (summary.applied, summary.repeated, summary.members),
        (2, 2, 0)
    );
}

#[tokio::test]
async fn a_message_cannot_travel_under_another_id() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let mut batch = batch("loyal", 1, open(&["+a"]));
    batch.id.push('0');
    assert_eq!(status(world.send(&batch).await), 400);
    assert_eq!(world.end().await.applied, 0);
}

#[tokio::test]
async fn a_message_for_another_destination_is_refused() {
    let out = tempdir().unwrap();
    let world = World::with(out.path(), |options| options.name = "dmp-b".into()).await;
    assert_eq!(
        status(world.send(&batch("loyal", 1, open(&["+a"]))).await),
        400
    );
    assert_eq!(world.end().await.applied, 0);
}

#[tokio::test]
async fn a_body_cut_in_the_middle_changes_nothing() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let batch = batch("loyal", 1, open(&["+a", "+b"]));
    let (whole, length) = (
        request(&batch, &signature(&batch), batch.body.len()),
        batch.body.len(),
    );
    // The connection ends early.
    let status = exchange(&world, &whole[..whole.len() - 10], true).await;
    assert!(status == 0 || status == 400, "{status}");
    // The length itself is a lie.
    let mut short = request(&batch, &signature(&batch), length - 10);
    short.truncate(short.len() - 10);
    assert_eq!(raw(&world, &short).await, 401);
    assert_eq!(raw(&world, &whole).await, 200);
    assert_eq!(world.end().await.applied, 1);
}

#[tokio::test]
async fn what_is_not_a_message_is_refused_by_its_form() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let mut long = batch("loyal", 1, open(&["+a"]));
    long.body = vec![b' '; 2 * 1024 * 1024 + 1];
    assert_eq!(status(world.send(&long).await), 413);
    let mut garbage = batch("loyal", 1, open(&["+a"]));
    garbage.body = b"[]".to_vec();
    assert_eq!(status(world.send(&garbage).await), 400);
    let get = format!("GET / HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n");
    assert_eq!(raw(&world, get.as_bytes()).await, 405);
    let unsigned = format!(
        "POST / HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\ncontent-length: 9\r\n\r\n"
    );
    assert_eq!(raw(&world, unsigned.as_bytes()).await, 401);
    assert_eq!(world.end().await.applied, 0);
}

#[tokio::test]
async fn a_batch_that_comes_too_early_is_taken_later() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let cookies: Vec<String> = (0..10_001).map(|n| format!("+c{n}")).collect();
    let changes = open(&cookies.iter().map(String::as_str).collect::<Vec<_>>());
    let batches = batches("loyal", 1, changes);
    assert_eq!(status(world.send(&batches[1]).await), 409);
    assert_eq!(status(world.send(&batches[0]).await), 200);
    assert_eq!(status(world.send(&batches[1]).await), 200);

    let mut message = Message::from_bytes(&batches[1].body).unwrap();
    message.data.sequence = 2;
    let beyond = Batch {
        sequence: 2,
        last: true,
        id: message.id(),
        body: message.to_bytes().unwrap(),
    };
    assert_eq!(status(world.send(&beyond).await), 422);
    assert_eq!(world.end().await.members, 10_001);
}

#[tokio::test]
async fn one_message_sent_many_times_at_once_is_applied_once() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let batch = batch("loyal", 1, sealed(&["+a", "+b"]));
    let sending = (0..12).map(|_| world.send(&batch));
    for verdict in futures::future::join_all(sending).await {
        assert_eq!(status(verdict), 200);
    }
    let summary = world.end().await;
    assert_eq!(
        (summary.applied, summary.repeated, summary.members),
        (1, 11, 2)
    );
}

#[tokio::test]
async fn two_batches_at_once_are_applied_in_order() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let mut changes = open(&["-x"]);
    changes.extend((0..10_000).map(|n| Change::Add(Cookie::Open(format!("c{n}").into()))));
    let batches = batches("loyal", 1, changes);
    let (first, second) = tokio::join!(world.send(&batches[0]), world.send(&batches[1]));
    assert_eq!(status(first), 200);
    if status(second) == 409 {
        assert_eq!(status(world.send(&batches[1]).await), 200);
    }
    assert_eq!(world.end().await.members, 10_000);
}

#[tokio::test]
async fn labels_for_another_key_are_refused_while_nothing_opens_and_skipped_otherwise() {
    let out = tempdir().unwrap();
    let world = World::start(out.path()).await;
    let other = sealing::public(&Secret::from_bytes([3; 32]));
    let foreign = batch("loyal", 1, sealed_by(&other, &["+a"]));
    assert_eq!(status(world.send(&foreign).await), 422);
    let mut mixed = sealed_by(&other, &["+a"]);
    mixed.extend(sealed(&["+b"]));
    assert_eq!(status(world.send(&batch("loyal", 1, mixed)).await), 200);
    let summary = world.end().await;
    assert_eq!((summary.members, summary.unreadable), (1, 1));
}

#[tokio::test]
async fn a_sink_without_a_key_refuses_labels() {
    let out = tempdir().unwrap();
    let world = World::with(out.path(), |options| options.sealing = None).await;
    assert_eq!(
        status(world.send(&batch("loyal", 1, sealed(&["+a"]))).await),
        422
    );
    assert_eq!(
        status(world.send(&batch("loyal", 1, open(&["+a"]))).await),
        200
    );
    assert_eq!(world.end().await.members, 1);
}

#[tokio::test]
async fn whoever_started_the_sink_is_told_where_it_listens() {
    let out = tempdir().unwrap();
    let file = out.path().join("ready");
    let world = World::with(out.path(), |options| {
        options.ready_file = Some(file.clone())
    })
    .await;
    let told = std::fs::read_to_string(&file).unwrap();
    assert_eq!(told, format!("{}\n", world.address));
    world.end().await;
}

/// With `TAMIS_CAPTURE` set, the capture stays there for `tests/webhooks/verify.py`.
#[tokio::test]
async fn the_first_message_is_captured_as_it_came() {
    let out = tempdir().unwrap();
    let kept = std::env::var_os("TAMIS_CAPTURE").map(std::path::PathBuf::from);
    let capture = kept.unwrap_or_else(|| out.path().join("capture"));
    let world = World::with(out.path(), |options| {
        options.capture = Some(capture.clone());
    })
    .await;
    let first = batch("loyal", 1, sealed(&["+a"]));
    assert_eq!(status(world.send(&first).await), 200);
    assert_eq!(
        status(world.send(&batch("loyal", 2, sealed(&["+b"]))).await),
        200
    );
    world.end().await;
    assert_eq!(std::fs::read(capture.join("body")).unwrap(), first.body);
    let headers = std::fs::read(capture.join("headers.json")).unwrap();
    let headers: serde_json::Value = serde_json::from_slice(&headers).unwrap();
    assert_eq!(headers["webhook-id"], first.id);
    let text = crate::delivery::signature::secret_text(&secret());
    std::fs::write(capture.join("secret"), text.as_bytes()).unwrap();
}
