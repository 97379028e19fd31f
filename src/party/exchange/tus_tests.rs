#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
//! The client against a small tus server that breaks on purpose.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{any, post};
use sha2::{Digest, Sha256};

use super::*;

/// What the server holds, and which trick it plays at which `PATCH`.
#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    patches: usize,
    tricks: Vec<Trick>,
    gone: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Trick {
    Plain,
    /// Keeps the bytes, answers an error: persisted, but reported failed.
    KeepAndFail,
    /// Keeps half of the bytes and answers an error.
    KeepHalfAndFail,
    /// Forgets what it was sent: not persisted, reported failed.
    Fail,
    /// Says that the bytes were damaged.
    Damaged,
}

type Shared = Arc<Mutex<Held>>;

async fn created(headers: HeaderMap) -> (StatusCode, [(&'static str, &'static str); 1]) {
    assert_eq!(headers["tus-resumable"], "1.0.0");
    assert_eq!(headers["upload-metadata"], "collaboration MDBmZg==");
    (StatusCode::CREATED, [("location", "/v1/uploads/ab")])
}

async fn upload(
    State(held): State<Shared>,
    method: axum::http::Method,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap) {
    let mut held = held.lock().unwrap();
    let mut answer = HeaderMap::new();
    if held.gone {
        return (StatusCode::NOT_FOUND, answer);
    }
    let mut status = StatusCode::NO_CONTENT;
    if method == "PATCH" {
        let offset: usize = headers["upload-offset"].to_str().unwrap().parse().unwrap();
        if offset != held.bytes.len() {
            return (StatusCode::CONFLICT, answer);
        }
        let sum = headers["upload-checksum"].to_str().unwrap();
        let expected = format!("sha256 {}", BASE64_STANDARD.encode(Sha256::digest(&body)));
        assert_eq!(sum, expected);
        let trick = held
            .tricks
            .get(held.patches)
            .copied()
            .unwrap_or(Trick::Plain);
        held.patches += 1;
        let kept = match trick {
            Trick::Plain | Trick::KeepAndFail => body.len(),
            Trick::KeepHalfAndFail => body.len() / 2,
            Trick::Fail | Trick::Damaged => 0,
        };
        held.bytes.extend_from_slice(&body[..kept]);
        match trick {
            Trick::Plain => {}
            Trick::Damaged => status = StatusCode::from_u16(460).unwrap(),
            _ => status = StatusCode::SERVICE_UNAVAILABLE,
        }
    }
    answer.insert("upload-offset", held.bytes.len().into());
    (status, answer)
}

async fn server(tricks: &[Trick]) -> (Client, Shared) {
    let held = Shared::default();
    held.lock().unwrap().tricks = tricks.to_vec();
    let app = axum::Router::new()
        .route("/v1/uploads", post(created))
        .route("/v1/uploads/ab", any(upload))
        .layer(axum::extract::DefaultBodyLimit::max(2 * PIECE))
        .with_state(Arc::clone(&held));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::plain(&format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (client, held)
}

fn spool(length: usize) -> (tempfile::NamedTempFile, Vec<u8>) {
    let bytes: Vec<u8> = (0..length).map(|place| (place % 251) as u8).collect();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    (file, bytes)
}

#[tokio::test]
async fn every_failure_of_a_piece_ends_in_the_same_bytes() {
    let tricks = [
        Trick::KeepAndFail,
        Trick::KeepHalfAndFail,
        Trick::Fail,
        Trick::Damaged,
    ];
    let (client, held) = server(&tricks).await;
    let (file, bytes) = spool(2 * PIECE + 17);
    let length = bytes.len() as u64;
    let url = create(&client, "00ff", UploadMode::Full, None, length)
        .await
        .unwrap();
    assert_eq!(id_of(&url), "ab");
    let seen = Mutex::new(Vec::new());
    send(&client, &url, file.path(), length, 0, &|at| {
        seen.lock().unwrap().push(at);
    })
    .await
    .unwrap();
    assert!(held.lock().unwrap().bytes == bytes);
    assert_eq!(seen.lock().unwrap().last(), Some(&length));
}

#[tokio::test]
async fn an_upload_goes_on_where_another_process_stopped() {
    let (client, held) = server(&[]).await;
    let (file, bytes) = spool(PIECE + 5);
    held.lock().unwrap().bytes = bytes[..1_000].to_vec();
    let at = offset(&client, "/v1/uploads/ab").await.unwrap();
    assert_eq!(at, Some(1_000));
    send(
        &client,
        "/v1/uploads/ab",
        file.path(),
        bytes.len() as u64,
        1_000,
        &|_| {},
    )
    .await
    .unwrap();
    assert!(held.lock().unwrap().bytes == bytes);
}

#[tokio::test]
async fn an_upload_the_service_has_forgotten_is_known_to_be_gone() {
    let (client, held) = server(&[]).await;
    held.lock().unwrap().gone = true;
    assert_eq!(offset(&client, "/v1/uploads/ab").await.unwrap(), None);
}

#[tokio::test]
async fn giving_up_says_how_far_it_came() {
    let (client, held) = server(&[]).await;
    held.lock().unwrap().tricks = std::iter::once(Trick::Plain)
        .chain(std::iter::repeat_n(Trick::Fail, 100))
        .collect();
    let (file, bytes) = spool(PIECE + 5);
    let sent = send(
        &client,
        "/v1/uploads/ab",
        file.path(),
        bytes.len() as u64,
        0,
        &|_| {},
    )
    .await;
    match sent {
        Err(ExchangeError::Interrupted { offset, .. }) => assert_eq!(offset, PIECE as u64),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_upload_address_elsewhere_is_refused() {
    let client = Client::plain("https://here:1");
    for elsewhere in ["https://there:1/v1/uploads/x", "//there/x", "x"] {
        let answer = axum::http::Response::builder()
            .header("location", elsewhere)
            .body("")
            .unwrap();
        assert!(location(&client, &answer.into()).is_err(), "{elsewhere}");
    }
    let own = axum::http::Response::builder()
        .header("location", "https://here:1/v1/uploads/x")
        .body("")
        .unwrap();
    assert_eq!(location(&client, &own.into()).unwrap(), "/v1/uploads/x");
}
