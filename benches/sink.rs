//! Deliver sealed members to the reference destination: `cargo bench --bench sink`.
//!
//! `TAMIS_BENCH_ROWS` members (default 100,000) in signed batches of 10,000, over TLS on loopback. Timed,
//! from the first batch to the last acknowledgement: signing, sending, verifying, opening every label
//! and the synced journal.
// A bench has no seam for time and randomness: it takes the real ones.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use tamis::delivery::batch::{Batch, Batches, Change, Cookie, Head};
use tamis::delivery::egress::{Egress, Resolver, Resolving};
use tamis::delivery::sink::{Receiver, Sink, SinkOptions};
use tamis::delivery::webhook::{Target, Timeouts, WebhookSender};
use tamis::domain::clock::MockClock;
use tamis_keys::entropy::SystemEntropy;
use tamis_keys::purpose::Sealing;
use tamis_keys::{Secret, sealing};
use tamis_protocols::label::{LabelContext, LabelSealer};
use tamis_protocols::wire::api::AudienceUse;
use tamis_protocols::wire::delivery::Audience;
use tokio::sync::oneshot;

const NAME: &str = "dsp-a";
const HOST: &str = "dsp.example";

fn key() -> Secret<Sealing> {
    Secret::from_bytes([9; 32])
}

/// One delivery of so many members.
fn batches(members: u64, now: Timestamp) -> Vec<Batch> {
    let collaboration = "c".repeat(32);
    let context = LabelContext {
        collaboration: &collaboration,
        destination: NAME,
    };
    let to = sealing::public(&key());
    let (sealer, enc) = LabelSealer::new(&to, &context, &SystemEntropy::new()).unwrap();
    let changes = (0..members).map(|n| {
        let cookie = format!("{n:08x}-5f1c-4c53-9d2e-{n:012x}");
        let label = Box::new(sealer.seal(n, cookie.as_bytes()).unwrap());
        Ok::<_, Infallible>(Change::Add(Cookie::Sealed { enc, label }))
    });
    let head = Head {
        queued_at: now,
        audience: Audience {
            id: "a".repeat(32),
            name: "loyal".into(),
            purpose: AudienceUse::Target,
        },
        collaboration: collaboration.clone(),
        destination: NAME.into(),
        delivery: "d".repeat(32),
    };
    Batches::new(head, changes).map(Result::unwrap).collect()
}

/// Every name is this machine.
struct Loopback;

impl Resolver for Loopback {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
        Box::pin(async { Ok(vec![[127, 0, 0, 1].into()]) })
    }
}

/// Sends a delivery to a sink of its own.
async fn deliver(batches: &[Batch], receiver: &Receiver, members: u64, now: Timestamp) -> Duration {
    let out = tempfile::tempdir().unwrap();
    let sink = Sink::bind(SinkOptions {
        name: NAME.into(),
        listen: "127.0.0.1:0".parse().unwrap(),
        out: out.path().to_path_buf(),
        capture: None,
        ready_file: None,
        receiver: receiver.clone(),
        secrets: vec![Secret::from_bytes([7; 32])],
        sealing: Some(key()),
        clock: Arc::new(MockClock::at(now)),
    });
    let sink = sink.await.unwrap();
    let url = format!("https://{HOST}:{}/", sink.address().port());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(sink.serve(async {
        let _ = stopped.await;
    }));
    let loopback = Egress::new(Arc::new(Loopback), vec!["127.0.0.0/8".parse().unwrap()]);
    let target = Target {
        url,
        ca_pem: Some(receiver.certificate_pem.clone()),
        secrets: vec![Secret::from_bytes([7; 32])],
    };
    let sender = WebhookSender::new(loopback, Timeouts::default());
    let session = sender.open(target).await.ok().unwrap();
    let start = Instant::now();
    for batch in batches {
        let body = batch.body.clone().into();
        session.send(&batch.id, now, body).await.unwrap();
    }
    let passed = start.elapsed();
    stop.send(()).unwrap();
    assert_eq!(running.await.unwrap().unwrap().members, members);
    passed
}

fn sink(c: &mut Criterion) {
    let members = std::env::var("TAMIS_BENCH_ROWS").ok();
    let members: u64 = members
        .and_then(|text| text.parse().ok())
        .unwrap_or(100_000);
    let now = Timestamp::now();
    let receiver = Receiver::generate(&[HOST.to_owned()], now).unwrap();
    let batches = batches(members, now);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut group = c.benchmark_group("sink");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(1))
        .throughput(Throughput::Elements(members));
    group.bench_function("deliver sealed members", |b| {
        b.iter_custom(|times| {
            (0..times)
                .map(|_| runtime.block_on(deliver(&batches, &receiver, members, now)))
                .sum()
        });
    });
    group.finish();
}

criterion_group!(benches, sink);
criterion_main!(benches);
