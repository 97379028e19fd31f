//! Two companies over real TLS on loopback, and what a hostile one sends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};
use tamis_keys::Secret;
use tamis_keys::purpose::PairKey;
use tamis_protocols::ddrf::{
    Kind, REQUEST_AGE, ResultCode, SKEW, Signer, Subject, TOKEN_MAX, check_acknowledgement,
};
use tamis_protocols::identifier::{IdentifierType, Normaliser, Profile};
use tamis_protocols::token::Tokeniser;
use zeroize::Zeroizing;

use super::desk::Answer;
use super::*;
use crate::party::people;
use crate::party::person::token_of;
use crate::party::testing::Seeded;

const NOW: i64 = 1_795_600_000;

fn signer(seed: u8, domain: &str) -> Signer {
    Signer::new(&Secret::from_bytes([seed; 32]), domain).unwrap()
}

fn subject(value: &str) -> Subject {
    Subject {
        value: value.into(),
        kind: "email".into(),
        format: "plain".into(),
    }
}

/// `shop.example` asks, `graphs.example` is asked; each serves on loopback and knows the other alone.
struct World {
    shop: Signer,
    desk: Arc<Desk>,
    root: String,
    authorities: String,
    time: Arc<AtomicI64>,
    dir: tempfile::TempDir,
    peers: [Peer; 2],
}

fn at(time: &Arc<AtomicI64>) -> Now {
    let time = time.clone();
    Arc::new(move || Timestamp::from_second(time.load(Ordering::SeqCst)).unwrap())
}

fn desk(seed: u8, domain: &str, home: &Path, peers: Peers, time: &Arc<AtomicI64>) -> Arc<Desk> {
    let inbox = Inbox::open(home).unwrap();
    let entropy = Arc::new(Seeded::new(seed.into()));
    Arc::new(Desk::new(
        signer(seed, domain),
        peers,
        inbox,
        at(time),
        entropy,
    ))
}

async fn bound() -> (Server, String) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let pem = made.cert.pem();
    let certificate = Certificate {
        chain_pem: pem.clone().into_bytes(),
        key_pem: Zeroizing::new(made.signing_key.serialize_pem().into_bytes()),
    };
    let listen = ([127, 0, 0, 1], 0).into();
    (Server::bind(listen, &certificate).await.unwrap(), pem)
}

async fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicI64::new(NOW));
    let (shop, one) = bound().await;
    let (graphs, other) = bound().await;
    let authorities = format!("{one}{other}");
    let root = |server: &Server| format!("https://{}", server.address());
    let (shop_root, graphs_root) = (root(&shop), root(&graphs));
    let peer = |domain: &str, root: &str| format!("{domain}={root}").parse::<Peer>().unwrap();
    let peers = [
        peer("shop.example", &shop_root),
        peer("graphs.example", &graphs_root),
    ];
    let make = |seed, domain: &str, other: usize| {
        let home = dir.path().join(domain);
        tamis_keys::home::create_private_dir(&home).unwrap();
        let peers = Peers::new([peers[other].clone()], Some(&authorities)).unwrap();
        desk(seed, domain, &home, peers, &time)
    };
    let asking = make(1, "shop.example", 1);
    let asked = make(2, "graphs.example", 0);
    let served = asked.clone();
    let (one, other) = (shop_root, graphs_root.clone());
    tokio::spawn(async move { shop.serve(asking, &one, std::future::pending()).await });
    tokio::spawn(async move { graphs.serve(served, &other, std::future::pending()).await });
    World {
        shop: signer(1, "shop.example"),
        desk: asked,
        root: graphs_root,
        authorities,
        time,
        dir,
        peers,
    }
}

impl World {
    fn request(&self, id: &str, subject: &Subject, age: i64) -> String {
        let iat = self.time.load(Ordering::SeqCst) - age;
        let identity = self.shop.identity(&format!("id-{id}"), subject, iat);
        let to = "graphs.example";
        self.shop.request(id, &identity, subject, iat, to)
    }

    async fn answer(&self, rq_jwt: &str) -> Answer {
        let body = json!({ "rqJWT": rq_jwt }).to_string();
        self.desk.answer(body.as_bytes()).await
    }

    /// What the answer's own signature says.
    async fn code(&self, rq_jwt: &str) -> (u16, u8) {
        let answer = self.answer(rq_jwt).await;
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let keys = [signer(2, "graphs.example").jwk()];
        let now = self.time.load(Ordering::SeqCst);
        let ac_jwt = body["acJWT"].as_str().unwrap();
        let checked = check_acknowledgement(ac_jwt, rq_jwt, "graphs.example", &keys, now);
        (answer.status, checked.unwrap().code.number())
    }

    fn client(&self) -> reqwest::Client {
        let certificates = self.authorities.as_bytes();
        let certificates = reqwest::Certificate::from_pem_bundle(certificates).unwrap();
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        reqwest::Client::builder()
            .tls_certs_only(certificates)
            .no_proxy()
            .build()
            .unwrap()
    }

    fn files(&self) -> Vec<Vec<u8>> {
        let inbox = self.dir.path().join("graphs.example/dsr-inbox");
        let files = std::fs::read_dir(inbox).unwrap();
        files
            .map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .collect()
    }
}

#[tokio::test]
async fn a_request_is_discovered_signed_sent_taken_and_its_answer_kept() {
    let world = world().await;
    let sending = Sending {
        signer: signer(1, "shop.example"),
        peers: Peers::new(world.peers.clone(), Some(&world.authorities)).unwrap(),
        now: at(&world.time),
        entropy: Arc::new(Seeded::new(9)),
    };
    let outbox = Outbox::open(world.dir.path()).unwrap();
    let to = ["graphs.example".to_owned()];
    sending.look(&to).await.unwrap();
    let file = world.dir.path().join("people.csv");
    std::fs::write(
        &file,
        "email,phone\nAna.X@gmail.com,\nnobody,\n,0405 013 424\n",
    )
    .unwrap();
    let people = people(&file, None, Some("AU")).unwrap();
    assert_eq!(people.len(), 2);
    for one in &people {
        let sent = sending.send(&outbox, &to, one).await.unwrap();
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].code, ResultCode::Accepted);
    }
    assert_eq!(std::fs::read_dir(outbox.place()).unwrap().count(), 2);
    let waiting = world.desk.inbox().lock().await.waiting().unwrap();
    assert_eq!(waiting.len(), 2);
    let other = ["other.example".to_owned()];
    let stranger = sending.send(&outbox, &other, &people[0]);
    assert!(matches!(stranger.await, Err(DsrError::Stranger)));
}

#[tokio::test]
async fn what_was_acknowledged_is_on_the_disk_and_a_repetition_gets_the_same_answer() {
    let world = world().await;
    let rq = world.request("rq-1", &subject("ana@example.org"), 0);
    let first = world.answer(&rq).await;
    assert_eq!(first.status, 202);
    // A new process finds it, and answers word for word the same.
    let inbox = Inbox::open(&world.dir.path().join("graphs.example")).unwrap();
    assert_eq!(inbox.count().unwrap(), (1, 1));
    world.time.fetch_add(60, Ordering::SeqCst);
    assert_eq!(world.answer(&rq).await, first);
    assert_eq!(inbox.count().unwrap(), (1, 1), "and is taken once");
    // The same id for somebody else is not.
    let other = world.request("rq-1", &subject("bob@example.org"), 0);
    assert_eq!(world.code(&other).await, (400, 1));
}

#[tokio::test]
async fn a_request_that_cannot_be_kept_is_not_acknowledged() {
    let world = world().await;
    let inbox = world.dir.path().join("graphs.example/dsr-inbox");
    std::fs::remove_dir(&inbox).unwrap();
    std::fs::write(&inbox, b"in the way").unwrap();
    let rq = world.request("rq-1", &subject("ana@example.org"), 0);
    assert_eq!(world.answer(&rq).await.status, 503);
    std::fs::remove_file(&inbox).unwrap();
    tamis_keys::home::create_private_dir(&inbox).unwrap();
    assert_eq!(world.answer(&rq).await.status, 202);
}

#[tokio::test]
async fn hostile_requests_get_the_code_that_says_why_and_leave_nothing() {
    let world = world().await;
    let ana = subject("ana@example.org");
    let identity = world.shop.identity("id-1", &ana, NOW);
    let graphs = "graphs.example";
    // In the shop's name, by another key.
    let forged = signer(7, "shop.example");
    let forged = forged.request("rq-1", &identity, &ana, NOW, graphs);
    assert_eq!(world.code(&forged).await, (400, 2));
    // By somebody who is no peer: genuine in itself, and its domain is not even asked.
    let stranger = signer(7, "stranger.example");
    let said = stranger.identity("id-1", &ana, NOW);
    let asked = stranger.request("rq-1", &said, &ana, NOW, graphs);
    assert_eq!(world.code(&asked).await, (400, 2));
    // A peer passes on what a stranger said.
    let passed = world.shop.request("rq-1", &said, &ana, NOW, graphs);
    assert_eq!(world.code(&passed).await, (400, 2));
    let elsewhere = world
        .shop
        .request("rq-1", &identity, &ana, NOW, "other.example");
    assert_eq!(world.code(&elsewhere).await, (400, 1));
    let old = world.request("rq-1", &ana, REQUEST_AGE + 1);
    assert_eq!(world.code(&old).await, (400, 6));
    let early = world.request("rq-1", &ana, -SKEW - 1);
    assert_eq!(world.code(&early).await, (400, 6));
    let device = Subject {
        kind: "idfa".into(),
        ..ana.clone()
    };
    assert_eq!(
        world.code(&world.request("rq-1", &device, 0)).await,
        (400, 4)
    );
    let md5 = Subject {
        format: "md5".into(),
        ..ana.clone()
    };
    assert_eq!(world.code(&world.request("rq-1", &md5, 0)).await, (400, 5));
    assert_eq!(world.code("no token").await, (400, 3));
    for body in [&b""[..], b"{}", b"[]", b"\xff", br#"{"rqJWT":7}"#] {
        assert_eq!(world.desk.answer(body).await.status, 400);
    }
    let long = world.answer(&"a".repeat(TOKEN_MAX + 1)).await;
    assert!(long.status == 400 && long.body.len() < 1000, "said back");
    assert_eq!(world.files().len(), 0);
}

#[tokio::test]
async fn the_server_publishes_what_it_takes_and_bounds_what_it_reads() {
    let world = world().await;
    let client = world.client();
    let resource = format!("{}/dsrdelete.json", world.root);
    let found: Value = client
        .get(&resource)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let endpoint = found["endpoint"].as_str().unwrap().to_owned();
    assert_eq!(endpoint, format!("{}/dsr", world.root));
    assert_eq!(found["publicKey"][0]["crv"], "Ed25519");
    let rq = world.request("rq-1", &subject("ana@example.org"), 0);
    let body = json!({ "rqJWT": rq }).to_string();
    let answer = client.post(&endpoint).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let large = client
        .post(&endpoint)
        .body(vec![b' '; 1 << 20])
        .send()
        .await;
    // Refused, or cut off while it was still being sent.
    assert!(large.is_err() || large.unwrap().status() == 413);
    let status = |answer: reqwest::Response| answer.status().as_u16();
    assert_eq!(status(client.get(&endpoint).send().await.unwrap()), 405);
    assert_eq!(status(client.post(&resource).send().await.unwrap()), 405);
    let other = format!("{}/other", world.root);
    assert_eq!(status(client.get(&other).send().await.unwrap()), 404);
}

#[tokio::test]
async fn the_identifier_is_forgotten_once_its_erasures_are_sent_and_nobody_can_ask_again() {
    let world = world().await;
    let rq = world.request("rq-1", &subject("ana@example.org"), 0);
    world.answer(&rq).await;
    let holds = |part: &str| {
        let files = world.files();
        files
            .iter()
            .any(|file| String::from_utf8_lossy(file).contains(part))
    };
    assert!(holds("ana@example.org"));
    let inbox = world.desk.inbox().lock().await;
    let (path, mut entry) = inbox.waiting().unwrap().remove(0);
    entry.subject = None;
    inbox.put(&path, &entry).unwrap();
    assert!(!holds("ana@example.org") && holds("answer"));
    inbox.forget(NOW + REQUEST_AGE).unwrap();
    assert!(holds("answer"), "it could still be repeated");
    inbox.forget(NOW + REQUEST_AGE + 2 * SKEW + 1).unwrap();
    assert!(!holds("answer"));
    assert_eq!(inbox.count().unwrap(), (1, 0));
}

#[test]
fn a_plain_identifier_and_its_digest_give_the_token_of_an_upload() {
    let normaliser = Normaliser::new(Profile::Onboarding1, Some("AU")).unwrap();
    let tokeniser = Tokeniser::new(&Secret::<PairKey>::from_bytes([5; 32]));
    let digest = normaliser.email_digest("Ana.X@gmail.com").unwrap();
    let token = tokeniser.token(IdentifierType::Email, &digest);
    let of = |subject: &Subject| token_of(subject, &normaliser, &tokeniser);
    let plain = subject(" ana.x@GMAIL.com ");
    assert_eq!(of(&plain), Some((IdentifierType::Email, token)));
    let hashed = Subject {
        value: hex::encode(digest.as_bytes()).to_uppercase(),
        format: "sha256".into(),
        ..plain.clone()
    };
    assert_eq!(of(&hashed), Some((IdentifierType::Email, token)));
    assert_eq!(of(&subject("no address")), None);
    let phone = Subject {
        kind: Kind::Phone.as_str().into(),
        ..subject("0405 013 424")
    };
    assert_eq!(of(&phone).unwrap().0, IdentifierType::Phone);
}

#[test]
fn a_peer_is_a_domain_whose_resource_and_endpoint_are_its_own() {
    let peer: Peer = "vendor.example".parse().unwrap();
    assert_eq!(peer.root, "https://vendor.example");
    assert_eq!("https://vendor.example/".parse::<Peer>().unwrap(), peer);
    for no in [
        "",
        "Vendor.example",
        "http://vendor.example",
        "vendor.example/x",
        "a=http://b",
        "a=https://b/c",
    ] {
        assert!(no.parse::<Peer>().is_err(), "{no}");
    }
}
