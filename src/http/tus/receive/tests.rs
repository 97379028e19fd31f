#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, HeaderValue};
use futures::stream;
use http_body_util::StreamBody;
use hyper::body::Frame;

use super::super::UPLOAD_CHECKSUM;
use super::*;

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

struct Fake {
    kept: Kept,
    pending: Vec<u8>,
    all_or_nothing: bool,
}

impl Fake {
    fn new(kept: &Kept) -> Self {
        Fake {
            kept: kept.clone(),
            pending: Vec::new(),
            all_or_nothing: false,
        }
    }
}

/// Dropped without a decision, as by a crash: what was appended stays, unless it must not.
impl Drop for Fake {
    fn drop(&mut self) {
        if !self.all_or_nothing {
            self.kept.0.lock().unwrap().append(&mut self.pending);
        }
    }
}

impl Sink for Fake {
    async fn all_or_nothing(&mut self) -> Result<(), ServiceError> {
        assert!(self.pending.is_empty());
        self.all_or_nothing = true;
        Ok(())
    }

    async fn append(&mut self, bytes: &[u8]) -> Result<(), ServiceError> {
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    async fn commit(mut self) -> Result<u64, ServiceError> {
        let mut kept = self.kept.0.lock().unwrap();
        kept.append(&mut self.pending);
        Ok(kept.len() as u64)
    }

    async fn rollback(mut self) -> Result<(), ServiceError> {
        self.pending.clear();
        Ok(())
    }
}

enum Piece {
    Bytes(&'static str),
    Wait(u64),
    Cut,
}

fn body(pieces: Vec<Piece>) -> impl Body<Data = Bytes, Error = &'static str> + Send + Unpin {
    let pieces = stream::unfold(pieces.into_iter(), |mut pieces| async move {
        loop {
            match pieces.next()? {
                Piece::Bytes(text) => return Some((Ok(Frame::data(text.into())), pieces)),
                Piece::Wait(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                Piece::Cut => return Some((Err("connection reset"), pieces)),
            }
        }
    });
    StreamBody::new(Box::pin(pieces))
}

fn sha1(of: &str) -> Option<Checksum> {
    use base64::Engine;
    use sha1::Digest;
    let hash = sha1::Sha1::digest(of);
    let value = base64::engine::general_purpose::STANDARD.encode(hash);
    let value = HeaderValue::from_str(&format!("sha1 {value}")).unwrap();
    Checksum::read(&HeaderMap::from_iter([(UPLOAD_CHECKSUM, value)])).unwrap()
}

async fn run(pieces: Vec<Piece>, checksum: Option<Checksum>) -> (Result<u64, u16>, String) {
    run_until(pieces, checksum, &CancellationToken::new()).await
}

async fn run_until(
    pieces: Vec<Piece>,
    checksum: Option<Checksum>,
    stop: &CancellationToken,
) -> (Result<u64, u16>, String) {
    let kept = Kept::default();
    let sink = Fake::new(&kept);
    let bounds = Bounds {
        missing: 10,
        idle: Duration::from_millis(60),
        rate: 0,
    };
    let outcome = receive(body(pieces), sink, &bounds, checksum, stop).await;
    let outcome = outcome.map_err(|problem| problem.status().as_u16());
    (outcome, kept.text())
}

use Piece::{Bytes as B, Cut, Wait};

#[tokio::test]
async fn a_whole_body_is_appended() {
    let (outcome, kept) = run(vec![B("hello"), B("world")], None).await;
    assert_eq!((outcome, kept.as_str()), (Ok(10), "helloworld"));
}

#[tokio::test]
async fn a_connection_cut_in_mid_body_keeps_what_arrived() {
    let (outcome, kept) = run(vec![B("hello"), Cut], None).await;
    assert_eq!((outcome, kept.as_str()), (Err(400), "hello"));
}

#[tokio::test]
async fn a_cut_body_with_a_checksum_keeps_nothing() {
    let (outcome, kept) = run(vec![B("hello"), Cut], sha1("helloworld")).await;
    assert_eq!((outcome, kept.as_str()), (Err(400), ""));
}

#[tokio::test]
async fn a_right_checksum_is_accepted_and_a_wrong_one_discards_the_bytes() {
    let (outcome, kept) = run(vec![B("hel"), B("lo")], sha1("hello")).await;
    assert_eq!((outcome, kept.as_str()), (Ok(5), "hello"));
    let (outcome, kept) = run(vec![B("hel"), B("l0")], sha1("hello")).await;
    assert_eq!((outcome, kept.as_str()), (Err(460), ""));
}

#[tokio::test]
async fn more_bytes_than_declared_are_discarded() {
    let (outcome, kept) = run(vec![B("hello"), B("world!")], None).await;
    assert_eq!((outcome, kept.as_str()), (Err(413), ""));
}

#[tokio::test]
async fn a_body_that_stalls_is_ended_and_what_arrived_is_kept() {
    let (outcome, kept) = run(vec![B("hello"), Wait(500), B("world")], None).await;
    assert_eq!((outcome, kept.as_str()), (Err(408), "hello"));
}

#[tokio::test]
async fn a_body_that_trickles_below_the_rate_is_ended() {
    let kept = Kept::default();
    let sink = Fake::new(&kept);
    let bounds = Bounds {
        missing: 100,
        idle: Duration::from_millis(400),
        rate: 1000,
    };
    let trickle = (0..10).flat_map(|_| [B("x"), Wait(250)]).collect();
    let stop = CancellationToken::new();
    let outcome = receive(body(trickle), sink, &bounds, None, &stop).await;
    assert_eq!(outcome.unwrap_err().status().as_u16(), 408);
    assert!(kept.text().len() < 10);
}

#[tokio::test]
async fn a_stop_keeps_what_arrived_and_says_so() {
    let stop = CancellationToken::new();
    let pieces = vec![B("hello"), Wait(50), B("world")];
    let (ended, ()) = tokio::join!(run_until(pieces, None, &stop), async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        stop.cancel();
    });
    assert_eq!((ended.0, ended.1.as_str()), (Err(503), "hello"));
}

#[tokio::test]
async fn a_crash_amid_unverified_bytes_leaves_none_of_them() {
    for (checksum, left) in [(sha1("helloworld"), ""), (None, "hello")] {
        let kept = Kept::default();
        let sink = Fake::new(&kept);
        let bounds = Bounds {
            missing: 10,
            idle: Duration::from_secs(60),
            rate: 0,
        };
        let stop = CancellationToken::new();
        let pieces = body(vec![B("hello"), Wait(60_000)]);
        let receiving = receive(pieces, sink, &bounds, checksum, &stop);
        assert!(timeout(Duration::from_millis(50), receiving).await.is_err());
        assert_eq!(kept.text(), left);
    }
}
