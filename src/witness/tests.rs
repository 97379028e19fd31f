#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode};
use tamis_keys::Secret;
use tamis_keys::entropy::SystemEntropy;
use tamis_protocols::transparency::{
    AddCheckpoint, LogKey, MemoryStore, Verdict, WitnessVerifier, consistency_proof, publish,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::delivery::egress::{Egress, EgressError, SystemResolver};
use crate::delivery::sink::Receiver;
use crate::delivery::webhook::Failure;
use crate::delivery::witnesses::{Asked, Place, Unheard, WitnessClient};
use crate::domain::clock::MockClock;

const NAME: &str = "witness.example/w1";

fn clock() -> Arc<MockClock> {
    Arc::new(MockClock::at("2026-11-22T09:00:00Z".parse().unwrap()))
}

fn log() -> LogKey {
    LogKey::new(Secret::from_bytes([5; 32]), "tamis.example/log").unwrap()
}

#[expect(clippy::disallowed_methods, reason = "keys of a test")]
fn made(path: &Path) -> Directory {
    let hostnames = ["127.0.0.1".to_owned()];
    let entropy = SystemEntropy::new();
    let now = "2026-11-22T09:00:00Z".parse().unwrap();
    let mut made = Directory::create(path, NAME, &hostnames, now, &entropy).unwrap();
    made.trust(&log().vkey()).unwrap();
    made
}

fn watch(path: &Path) -> Watch {
    Watch::open(&Directory::open(path).unwrap(), clock()).unwrap()
}

/// What the operator sends who shows one of two logs, which part behind leaf 2.
fn request(old: u64, size: u64, fork: u8) -> Vec<u8> {
    let leaves: Vec<Vec<u8>> = (0..size)
        .map(|n| vec![n as u8, if n < 2 { 0 } else { fork }])
        .collect();
    let mut store = MemoryStore::default();
    let (_, root) = publish(0, &leaves, &mut store).unwrap();
    let proof = match old {
        old if old == 0 || old >= size => Vec::new(),
        old => consistency_proof(&store, size, &root, old).unwrap(),
    };
    let checkpoint = log().sign_checkpoint(size, &root).into_bytes();
    let request = AddCheckpoint {
        old,
        proof,
        checkpoint,
    };
    request.to_bytes()
}

fn verdict(watch: &Watch, request: &[u8]) -> Verdict {
    let (verdict, line) = watch.judge(request).unwrap();
    assert_eq!(line.is_some(), matches!(verdict, Verdict::Cosign { .. }));
    verdict
}

fn home() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("witness");
    made(&path);
    (dir, path)
}

#[test]
fn a_witness_remembers_across_a_restart_what_it_cosigned() {
    let (_dir, path) = home();
    let first = watch(&path);
    assert!(matches!(
        verdict(&first, &request(0, 5, 1)),
        Verdict::Cosign { .. }
    ));
    drop(first);
    let again = watch(&path);
    assert_eq!(
        verdict(&again, &request(0, 5, 1)),
        Verdict::Conflict { size: 5 }
    );
    // The answer was lost with the kill: the same again is answered.
    assert!(matches!(
        verdict(&again, &request(5, 5, 1)),
        Verdict::Cosign { .. }
    ));
    assert!(matches!(
        verdict(&again, &request(5, 9, 1)),
        Verdict::Cosign { .. }
    ));
}

#[test]
fn the_second_log_of_an_operator_is_refused_whatever_it_says_of_the_first() {
    let (_dir, path) = home();
    let watch = watch(&path);
    assert!(matches!(
        verdict(&watch, &request(0, 5, 1)),
        Verdict::Cosign { .. }
    ));
    for (old, size) in [(0, 5), (5, 5), (2, 9), (0, 9), (0, 3)] {
        let said = verdict(&watch, &request(old, size, 2));
        assert_eq!(said, Verdict::Conflict { size: 5 }, "{old} to {size}");
    }
    assert_eq!(verdict(&watch, &request(5, 9, 2)), Verdict::BadProof);
}

#[test]
fn of_two_forks_at_once_exactly_one_is_cosigned() {
    for _ in 0..20 {
        let (_dir, path) = home();
        let watch = watch(&path);
        let both = std::thread::scope(|scope| {
            let ask = |fork| {
                let watch = &watch;
                scope.spawn(move || verdict(watch, &request(0, 5, fork)))
            };
            [ask(1), ask(2)].map(|one| one.join().unwrap())
        });
        let cosigned = both
            .iter()
            .filter(|one| matches!(one, Verdict::Cosign { .. }));
        assert_eq!(cosigned.count(), 1, "{both:?}");
        assert!(both.contains(&Verdict::Conflict { size: 5 }));
    }
}

#[test]
fn what_cannot_be_remembered_is_not_cosigned() {
    let (_dir, path) = home();
    let one = watch(&path);
    assert!(matches!(
        verdict(&one, &request(0, 5, 1)),
        Verdict::Cosign { .. }
    ));
    // The file cannot be replaced: a directory has its name.
    let mut files = std::fs::read_dir(&path).unwrap();
    let seen = files.find_map(|entry| {
        let entry = entry.unwrap().path();
        entry.to_str().unwrap().contains("seen-").then_some(entry)
    });
    let seen = seen.unwrap();
    let kept = std::fs::read(&seen).unwrap();
    std::fs::remove_file(&seen).unwrap();
    std::fs::create_dir(&seen).unwrap();
    assert!(one.judge(&request(5, 9, 1)).is_err());
    // It still holds to what it had said.
    assert_eq!(
        verdict(&one, &request(0, 9, 2)),
        Verdict::Conflict { size: 5 }
    );
    drop(one);
    std::fs::remove_dir(&seen).unwrap();
    // A witness that lost its memory does not start.
    let open = || Watch::open(&Directory::open(&path).unwrap(), clock());
    assert!(matches!(open(), Err(WitnessError::Forgotten(_))));
    for damaged in [&b""[..], b"{}", &kept[..kept.len() / 2]] {
        std::fs::write(&seen, damaged).unwrap();
        std::fs::set_permissions(&seen, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(open(), Err(WitnessError::Forgotten(_))));
    }
    std::fs::write(&seen, &kept).unwrap();
    assert!(matches!(
        verdict(&watch(&path), &request(5, 9, 1)),
        Verdict::Cosign { .. }
    ));
}

#[test]
fn a_log_that_is_trusted_again_is_not_forgotten() {
    let (_dir, path) = home();
    let one = watch(&path);
    assert!(matches!(
        verdict(&one, &request(0, 5, 1)),
        Verdict::Cosign { .. }
    ));
    drop(one);
    Directory::open(&path)
        .unwrap()
        .trust(&log().vkey())
        .unwrap();
    let again = watch(&path);
    assert_eq!(
        verdict(&again, &request(0, 9, 2)),
        Verdict::Conflict { size: 5 }
    );
    assert!(Directory::open(&path).unwrap().trust("no key").is_err());
}

#[test]
fn one_directory_is_answered_from_once() {
    let (_dir, path) = home();
    let _one = watch(&path);
    let two = Watch::open(&Directory::open(&path).unwrap(), clock());
    assert!(matches!(two, Err(WitnessError::Busy)));
}

async fn post(
    watch: &Arc<Watch>,
    method: &str,
    path: &str,
    body: Vec<u8>,
) -> (StatusCode, String, String) {
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Full::new(Bytes::from(body))).unwrap();
    let answer = watch.clone().answer(request).await;
    let (head, body) = answer.into_parts();
    let kind = head.headers["content-type"].to_str().unwrap().to_owned();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status, kind, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn every_answer_has_the_status_and_type_of_the_standard() {
    let (_dir, path) = home();
    let watch = Arc::new(watch(&path));
    let ask = async |body: Vec<u8>| post(&watch, "POST", "/add-checkpoint", body).await;
    let (status, _, line) = ask(request(0, 5, 1)).await;
    assert_eq!(status, StatusCode::OK);
    let key = Directory::open(&path).unwrap().key().unwrap().verifier();
    let known = WitnessVerifier::parse(&key.vkey()).unwrap();
    let text = request(0, 5, 1);
    let text = String::from_utf8(text).unwrap();
    let text = text.split("\n\n").nth(1).unwrap().to_owned() + "\n";
    assert_eq!(known.pick(text.as_bytes(), &line), Some(line));

    let (status, kind, size) = ask(request(0, 9, 1)).await;
    assert_eq!((status, size.as_str()), (StatusCode::CONFLICT, "5\n"));
    assert_eq!(kind, "text/x.tlog.size");
    assert_eq!(
        ask(request(5, 9, 2)).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(ask(b"old 5\n".to_vec()).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(ask(vec![b'x'; 70_000]).await.0, StatusCode::BAD_REQUEST);
    let forged = text_of(&request(5, 9, 1)).replace("tamis.example/log ", "tamis.example/log X");
    assert_ne!(ask(forged.into_bytes()).await.0, StatusCode::OK);
    let other = LogKey::new(Secret::from_bytes([6; 32]), "other.example/log").unwrap();
    let unknown = AddCheckpoint {
        old: 0,
        proof: Vec::new(),
        checkpoint: other.sign_checkpoint(3, &[1; 32]).into_bytes(),
    };
    assert_eq!(ask(unknown.to_bytes()).await.0, StatusCode::NOT_FOUND);
    let thief = LogKey::new(Secret::from_bytes([6; 32]), "tamis.example/log").unwrap();
    let stolen = AddCheckpoint {
        old: 5,
        proof: Vec::new(),
        checkpoint: thief.sign_checkpoint(9, &[1; 32]).into_bytes(),
    };
    assert_eq!(ask(stolen.to_bytes()).await.0, StatusCode::FORBIDDEN);
    let (status, ..) = post(&watch, "GET", "/add-checkpoint", Vec::new()).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        post(&watch, "POST", "/", Vec::new()).await.0,
        StatusCode::NOT_FOUND
    );
}

fn text_of(request: &[u8]) -> String {
    String::from_utf8(request.to_vec()).unwrap()
}

#[tokio::test]
async fn plain_http_is_for_loopback_alone() {
    let (_dir, path) = home();
    let directory = Directory::open(&path).unwrap();
    let listen = "0.0.0.0:0".parse().unwrap();
    let bound = Server::bind(&directory, listen, Scheme::Plain, clock()).await;
    assert!(matches!(bound, Err(WitnessError::Plain)));
    let listen = "127.0.0.1:0".parse().unwrap();
    let server = Server::bind(&directory, listen, Scheme::Plain, clock())
        .await
        .unwrap();
    let address = server.address();
    let serving = tokio::spawn(server.serve(std::future::pending()));
    let body = request(0, 5, 1);
    let head = format!(
        "POST /add-checkpoint HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream
        .write_all(&[head.as_bytes(), &body].concat())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        answer.contains("\r\n\r\n\u{2014} witness.example/w1 "),
        "{answer}"
    );
    serving.abort();
}

/// TLS looks at the real clock.
#[expect(
    clippy::disallowed_methods,
    reason = "certificates are judged by the real clock"
)]
fn real_now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "keys of a test")]
async fn a_service_reaches_a_witness_over_tls_only_where_the_operator_allows_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("witness");
    let hosts = ["127.0.0.1".to_owned()];
    let entropy = SystemEntropy::new();
    let mut made = Directory::create(&path, NAME, &hosts, real_now(), &entropy).unwrap();
    made.trust(&log().vkey()).unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let server = Server::bind(&made, listen, Scheme::Https, clock())
        .await
        .unwrap();
    let url = format!("https://{}/", server.address());
    let serving = tokio::spawn(server.serve(std::future::pending()));
    let client = |allowed: &[&str], ca: Option<String>| {
        let allowed = allowed.iter().map(|text| text.parse().unwrap()).collect();
        let egress = Egress::new(Arc::new(SystemResolver), allowed);
        let place = Place {
            url: url.clone(),
            ca_pem: ca,
        };
        WitnessClient::new(egress, [(NAME.to_owned(), place)].into()).unwrap()
    };
    let pem = Some(made.certificate().unwrap());
    let body = || Bytes::from(request(0, 5, 1));
    let refused = client(&[], pem.clone()).ask(NAME, body()).await;
    let forbidden = Unheard::Failed(Failure::Egress(EgressError::Forbidden));
    assert_eq!(refused, Err(forbidden));
    let other = Receiver::generate(&hosts, real_now())
        .unwrap()
        .certificate_pem;
    let untrusted = client(&["127.0.0.1"], Some(other)).ask(NAME, body()).await;
    assert_eq!(untrusted, Err(Unheard::Failed(Failure::Certificate)));
    let reached = client(&["127.0.0.1"], pem);
    assert_eq!(reached.ask("nobody", body()).await, Err(Unheard::Unknown));
    let Ok(Asked::Cosigned(line)) = reached.ask(NAME, body()).await else {
        panic!("refused");
    };
    assert!(line.starts_with("\u{2014} witness.example/w1 "));
    assert_eq!(reached.ask(NAME, body()).await, Ok(Asked::Knows(5)));
    let fork = Bytes::from(request(5, 9, 2));
    assert_eq!(reached.ask(NAME, fork).await, Ok(Asked::Refused(422)));
    serving.abort();
}
