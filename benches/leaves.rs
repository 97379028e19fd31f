//! Leaves of the log, each acknowledged when it is durable: `cargo bench --bench leaves`.
//!
//! In one run, on one disk: a plain loop of one write and one fsync a record; then `TAMIS_BENCH_APPENDERS`
//! (default 512) callers of the service, each appending its next leaf when its last one is acknowledged, while
//! the worker publishes them; in turns, `TAMIS_BENCH_TURNS` (default 3) times. Afterwards the published log is
//! verified, and it has exactly the leaves that were acknowledged. Ends with one line of JSON.
//!
//! `TAMIS_BENCH_DIR` is where the files are (default: the temporary directory; not one in memory).
// A bench has no seam for time and randomness: it takes the real ones.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout
)]

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tamis::app::SystemClock;
use tamis::delivery::backoff::Backoff;
use tamis::delivery::egress::{Egress, SystemResolver};
use tamis::delivery::webhook::{Timeouts, WebhookSender};
use tamis::delivery::witnesses::WitnessClient;
use tamis::domain::clock::Clock;
use tamis::matching::LocalEngine;
use tamis::service::authority::Authority;
use tamis::service::noise::ExactNoise;
use tamis::service::work::Outbound;
use tamis::service::{Limits, Service, ServiceParts};
use tamis::store::{Store, sqlite_url};
use tamis::worker::{Settings, Worker};
use tamis_keys::Secret;
use tamis_keys::entropy::SystemEntropy;
use tamis_protocols::release::Policy;
use tamis_protocols::transparency::{LogKey, TileStore, open_checkpoint, verify};

/// What is measured of one side in one turn.
struct Turn {
    count: u64,
    seconds: f64,
    /// Of single acknowledgements, sorted.
    waits: Vec<Duration>,
}

impl Turn {
    fn rate(&self) -> f64 {
        self.count as f64 / self.seconds
    }

    fn wait(&self, share: f64) -> f64 {
        let at = (self.waits.len() as f64 * share) as usize;
        self.waits[at.min(self.waits.len() - 1)].as_secs_f64() * 1e3
    }
}

/// The published log, read only.
struct Published(PathBuf);

impl TileStore for Published {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.0.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, _: &str, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn number(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// One write and one fsync a record, as long as a leaf is.
fn plain(dir: &Path, time: Duration) -> Turn {
    let path = dir.join("plain");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    let record = [b'x'; 190];
    let (began, mut waits) = (Instant::now(), Vec::new());
    while began.elapsed() < time {
        let start = Instant::now();
        file.write_all(&record).unwrap();
        file.sync_data().unwrap();
        waits.push(start.elapsed());
    }
    finish(began, waits)
}

fn finish(began: Instant, mut waits: Vec<Duration>) -> Turn {
    let seconds = began.elapsed().as_secs_f64();
    waits.sort_unstable();
    Turn {
        count: waits.len() as u64,
        seconds,
        waits,
    }
}

async fn grouped(service: &Service, appenders: u64, time: Duration, told: &AtomicU64) -> Turn {
    let stop = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let tasks: Vec<_> = (0..appenders)
        .map(|appender| {
            let (service, stop) = (service.clone(), stop.clone());
            tokio::spawn(async move {
                let (subject, mut waits) = (format!("{appender:032x}"), Vec::new());
                while !stop.load(Ordering::Relaxed) {
                    let start = Instant::now();
                    service.note("bench-note", &subject).await.unwrap();
                    waits.push(start.elapsed());
                }
                waits
            })
        })
        .collect();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.unwrap());
    }
    told.fetch_add(waits.len() as u64, Ordering::Relaxed);
    finish(began, waits)
}

async fn service(dir: &Path) -> Service {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let key = LogKey::new(Secret::from_bytes([5; 32]), "tamis.example/log");
    Service::new(ServiceParts {
        store: Store::open(&sqlite_url(&dir.join("tamis.db")))
            .await
            .unwrap(),
        kek: Secret::from_bytes([4; 32]),
        entropy: Arc::new(SystemEntropy::new()),
        noise: Arc::new(ExactNoise),
        engine: Arc::new(LocalEngine::new(1)),
        authority: Authority::create(&dir.join("ca"), clock.now()).unwrap(),
        clock,
        log_key: key.unwrap(),
        data_dir: dir.join("data"),
        policy: Policy::floor(),
        limits: Limits::default(),
        residency: Default::default(),
    })
    .unwrap()
}

fn outbound() -> Outbound {
    let egress = Egress::new(Arc::new(SystemResolver), Vec::new());
    let witnesses = WitnessClient::new(egress.clone(), BTreeMap::new());
    Outbound {
        courier: Arc::new(WebhookSender::new(egress, Timeouts::default())),
        backoff: Backoff::default(),
        witnesses: Arc::new(witnesses.unwrap()),
    }
}

/// Waits until the log shows so many leaves; how long that took.
async fn published(service: &Service, leaves: u64) -> Duration {
    let began = Instant::now();
    loop {
        let shown = service.checkpoint().await.unwrap_or_default();
        let head = open_checkpoint(shown.as_bytes(), &service.log_key());
        if head.is_some_and(|head| head.size >= leaves) {
            return began.elapsed();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    // What `cargo bench` and `cargo test` hand over means nothing here.
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    let (appenders, turns) = (
        number("TAMIS_BENCH_APPENDERS", 512),
        number("TAMIS_BENCH_TURNS", 3),
    );
    let time = Duration::from_secs(number("TAMIS_BENCH_SECONDS", 10));
    let place =
        std::env::var("TAMIS_BENCH_DIR").map_or_else(|_| std::env::temp_dir(), PathBuf::from);
    let dir = tempfile::tempdir_in(place).unwrap();
    let service = service(dir.path()).await;
    let worker = Worker::start(service.clone(), outbound(), Settings::default())
        .await
        .unwrap();
    let told = AtomicU64::new(0);
    let (mut loops, mut groups, mut lags) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 1..=turns {
        let one = plain(dir.path(), time.min(Duration::from_secs(3)));
        let many = grouped(&service, appenders, time, &told).await;
        let lag = published(&service, told.load(Ordering::Relaxed)).await;
        println!(
            "turn {turn}: fsync loop {:.0}/s; {appenders} appenders {:.0}/s, waiting {:.1} ms (median) and {:.1} ms (99 %); all published {:.2} s later",
            one.rate(),
            many.rate(),
            many.wait(0.5),
            many.wait(0.99),
            lag.as_secs_f64()
        );
        loops.push(one.rate());
        groups.push(many.rate());
        lags.push(lag.as_secs_f64());
    }
    worker.stop(Duration::from_secs(10)).await;
    let log = Published(dir.path().join("data/log"));
    let summary = verify(&log, &service.log_key()).unwrap();
    assert_eq!(
        summary.leaves,
        told.load(Ordering::Relaxed),
        "leaves that were acknowledged"
    );
    for rates in [&mut loops, &mut groups, &mut lags] {
        rates.sort_by(f64::total_cmp);
    }
    let median = |rates: &[f64]| rates[rates.len() / 2];
    println!(
        "{}",
        serde_json::json!({
            "claim": "10,000 leaves a second, each durable when it is acknowledged",
            "ours_per_second": median(&groups).round(),
            "ours_lowest": groups[0].round(),
            "plain_fsync_per_second": median(&loops).round(),
            "ratio": (median(&groups) / median(&loops) * 10.0).round() / 10.0,
            "published_later_seconds": median(&lags),
            "leaves_verified": summary.leaves,
            "appenders": appenders,
        })
    );
}
