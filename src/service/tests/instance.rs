//! What a service of the tests is made of, and opening it again on the same files.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tamis_keys::purpose::{KeyEncryption, LogSigning};
use tamis_keys::{Entropy, Secret};
use tamis_protocols::intersection::PersonSet;
use tamis_protocols::release::{Noise, Policy};
use tamis_protocols::transparency::LogKey;

use crate::domain::clock::MockClock;
use crate::domain::residency::Residency;
use crate::matching::{Engine, LocalEngine, MatchError, MatchPlan};
use crate::service::authority::Authority;
use crate::service::{Limits, Service, ServiceParts};
use crate::store::{Store, sqlite_url};

/// What outlives a process in these tests.
#[derive(Clone)]
pub(super) struct Parts {
    pub url: String,
    pub entropy: Arc<Seeded>,
    pub clock: MockClock,
    pub draws: Arc<AtomicUsize>,
    pub noise: Arc<AtomicI64>,
    pub engine: Arc<Stoppable>,
    pub limits: Limits,
    pub policy: Policy,
    pub residency: Residency,
}

impl Parts {
    pub(super) async fn new(dir: &Path, limits: Limits) -> Parts {
        let start = "2026-11-22T09:00:00Z".parse().unwrap();
        Authority::create(&dir.join("ca"), start).unwrap();
        Parts {
            url: database(dir).await,
            entropy: Arc::new(Seeded(Mutex::new(ChaCha20Rng::seed_from_u64(7)))),
            clock: MockClock::at(start),
            draws: Arc::default(),
            noise: Arc::default(),
            engine: Arc::default(),
            limits,
            policy: Policy::floor(),
            residency: Residency::default(),
        }
    }

    /// A service as a new process would have it.
    pub(super) async fn open(&self, dir: &Path) -> Service {
        let key = Secret::<LogSigning>::from_bytes([5; 32]);
        Service::new(ServiceParts {
            store: Store::open(&self.url).await.unwrap(),
            kek: Secret::<KeyEncryption>::from_bytes([4; 32]),
            entropy: self.entropy.clone(),
            clock: Arc::new(self.clock.clone()),
            noise: Arc::new(Told {
                draws: self.draws.clone(),
                noise: self.noise.clone(),
            }),
            engine: self.engine.clone(),
            authority: Authority::open(&dir.join("ca")).unwrap(),
            log_key: LogKey::new(key, "tamis.example/log").unwrap(),
            data_dir: dir.to_owned(),
            policy: self.policy,
            residency: self.residency.clone(),
            limits: self.limits.clone(),
        })
        .unwrap()
    }
}

pub(super) struct Seeded(Mutex<ChaCha20Rng>);

impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) {
        self.0.lock().unwrap().fill_bytes(out);
    }
}

/// Noise that is as told, and counts how often it was asked.
struct Told {
    draws: Arc<AtomicUsize>,
    noise: Arc<AtomicI64>,
}

impl Noise for Told {
    fn discrete_laplace(&self, _: u32) -> i64 {
        self.draws.fetch_add(1, Ordering::SeqCst);
        self.noise.load(Ordering::SeqCst)
    }
}

/// The real engine, which can be stopped after it has found its answer.
#[derive(Default)]
pub(super) struct Stoppable {
    stopped: AtomicBool,
    waiting: AtomicBool,
    panics: AtomicBool,
}

impl Stoppable {
    /// The next evaluation holds its answer back.
    pub(super) fn stop(&self) {
        self.waiting.store(false, Ordering::SeqCst);
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// Returns when an evaluation holds its answer back.
    pub(super) async fn reached(&self) {
        while !self.waiting.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The next evaluation panics.
    pub(super) fn panic_once(&self) {
        self.panics.store(true, Ordering::SeqCst);
    }

    /// Lets it go on.
    pub(super) fn go_on(&self) {
        self.stopped.store(false, Ordering::SeqCst);
    }
}

impl Engine for Stoppable {
    fn evaluate(
        &self,
        plan: &MatchPlan<'_>,
        cancel: &AtomicBool,
    ) -> Result<Vec<PersonSet>, MatchError> {
        assert!(!self.panics.swap(false, Ordering::SeqCst), "as told");
        let answer = LocalEngine::new(1).evaluate(plan, cancel);
        while self.stopped.load(Ordering::SeqCst) {
            self.waiting.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
        }
        answer
    }
}

pub(super) fn csr() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    rcgen::CertificateParams::default()
        .serialize_request(&key)
        .unwrap()
        .pem()
        .unwrap()
}

/// SQLite in `dir`; a schema of its own in `TAMIS_TEST_POSTGRES`, if that is set.
async fn database(dir: &Path) -> String {
    let Ok(server) = std::env::var("TAMIS_TEST_POSTGRES") else {
        return sqlite_url(&dir.join("tamis.db"));
    };
    let name = dir.file_name().unwrap().to_str().unwrap();
    let schema: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let schema = format!("t{schema}{}", std::process::id());
    crate::store::create_schema(&server, &schema).await.unwrap();
    let separator = if server.contains('?') { '&' } else { '?' };
    format!("{server}{separator}options=-c%20search_path%3D{schema}")
}
