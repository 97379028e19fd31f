//! The use cases: one per file, each owning one transaction.
//!
//! The flow: a caller is a party, named by its client certificate; every resource is looked up *for*
//! that caller ([`scope`]), so another party's id and an id that does not exist are the same answer.
//! What takes long is queued as a job in the transaction that asks for it, and carried out by the
//! files under [`work`]; the `worker` room only leases and calls them.
//!
//! What happened is recorded in the transaction in which it happens: a decision, its leaf in the log
//! and the deliveries that follow from it commit together, or not at all. No network, no file of a
//! party and no computation is inside a transaction.

mod accept;
mod append;
mod asking;
mod audiences;
mod audit;
pub mod authority;
mod bridge;
mod budget;
pub mod check;
mod choice;
mod collaborations;
mod completeness;
mod coverage;
mod deliveries;
mod enrol;
mod error;
mod files;
mod invite;
mod jobs;
mod ledger;
mod log;
mod matches;
pub mod noise;
mod parties;
mod policy;
mod propose;
mod quarantine;
mod record;
mod requests;
mod residency;
mod scope;
mod spending;
mod subject;
mod terms;
#[cfg(test)]
mod tests;
mod uploads;
mod windows;
mod withdraw;
mod witnessed;
pub mod work;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tamis_keys::purpose::KeyEncryption;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::release::{Abnormal, Noise, Policy};
use tamis_protocols::transparency::{LogKey, WitnessVerifier};
use tamis_protocols::wire::api::Role;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

pub use append::UploadWriter;
pub use error::ServiceError;
pub use uploads::Announced;
pub use work::compact::Compaction;

use crate::domain::clock::Clock;
use crate::domain::id::Id;
use crate::domain::residency::Residency;
use crate::matching::Engine;
use crate::store::Store;
use append::Appenders;
use authority::Authority;
use completeness::Completeness;
use files::Files;
use work::cancel::Running;
use work::cosign::Vouched;
use work::judge::Judged;
use work::memory::Memory;

/// Who calls: an enrolled party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its name.
    pub name: String,
    /// What it is.
    pub role: Role,
}

/// What a party may use at once, and how long things last.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest upload in bytes.
    pub upload_length: u64,
    /// Incomplete uploads of one party at a time.
    pub open_uploads: u64,
    /// How long an upload may stay incomplete.
    pub upload_life: Duration,
    /// How long an invitation can be used.
    pub invitation_life: Duration,
    /// How long a client certificate is valid.
    pub certificate_life: Duration,
    /// Audiences of one collaboration.
    pub audiences: u64,
    /// Bytes of memory that one sealing, match or decision may use.
    pub job_memory: u64,
    /// Bytes of memory that all of them together may use.
    pub total_memory: u64,
    /// When a set is written as one layer again.
    pub compaction: Compaction,
    /// How long consent records are kept after their upload was replaced.
    pub evidence_life: Duration,
    /// Which match rates the operator looks at first.
    pub abnormal: Abnormal,
    /// Who must vouch for the log before an audience leaves.
    pub witnesses: WitnessRule,
}

/// Who must vouch for the log before an audience leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WitnessRule {
    /// Witnesses that must have cosigned a checkpoint with the gate's decision in it; 0: none.
    pub require: usize,
    /// Those whose word counts, each with a key and a name of its own.
    pub peers: Vec<WitnessVerifier>,
}

impl Default for Limits {
    /// 64 GiB, 4 uploads, 24 h, 7 days, 365 days, 1,000 audiences, 512 MiB, 1 GiB, 5 years.
    fn default() -> Self {
        let day = Duration::from_secs(24 * 3600);
        Limits {
            upload_length: 64 << 30,
            open_uploads: 4,
            upload_life: day,
            invitation_life: 7 * day,
            certificate_life: 365 * day,
            audiences: 1000,
            job_memory: 512 << 20,
            total_memory: 1 << 30,
            compaction: Compaction::default(),
            evidence_life: 5 * 365 * day,
            abnormal: Abnormal::default(),
            witnesses: WitnessRule::default(),
        }
    }
}

/// What a service is made of.
pub struct ServiceParts {
    /// The database.
    pub store: Store,
    /// Wraps the data keys of everything stored.
    pub kek: Secret<KeyEncryption>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The gate's noise.
    pub noise: Arc<dyn Noise>,
    /// Joins two sealed sets.
    pub engine: Arc<dyn Engine>,
    /// Issues client certificates.
    pub authority: Authority,
    /// Signs checkpoints.
    pub log_key: LogKey,
    /// Where spools, sealed sets, token and member files and the log live.
    pub data_dir: PathBuf,
    /// The operator's policy: collaborations may tighten it, never loosen it.
    pub policy: Policy,
    /// Where database and data directory lie.
    pub residency: Residency,
    /// Limits.
    pub limits: Limits,
}

/// The use cases. Cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    parts: ServiceParts,
    files: Files,
    instance: Id,
    appenders: Appenders,
    judged: Judged,
    running: Running,
    memory: Memory,
    completeness: Completeness,
    queued: Notify,
    /// What each witness cosigned last, as far as this process knows.
    vouched: Vouched,
}

impl Service {
    /// Makes the directories under the data directory and reads the instance's id there.
    ///
    /// # Errors
    /// When the data directory cannot be written.
    pub fn new(parts: ServiceParts) -> std::io::Result<Service> {
        let files = Files::create(&parts.data_dir)?;
        let instance = files.instance(&*parts.entropy)?;
        let memory = Memory::new(parts.limits.total_memory);
        Ok(Service(Arc::new(Inner {
            parts,
            files,
            instance,
            appenders: Appenders::default(),
            judged: Judged::default(),
            running: Running::default(),
            memory,
            completeness: Completeness::default(),
            queued: Notify::new(),
            vouched: Vouched::default(),
        })))
    }

    /// Whether the database answers, and the log was not found to differ from it.
    pub async fn ready(&self) -> bool {
        self.log_is_complete() && self.store().ready().await
    }

    /// This instance: jobs it leased are its own again after a restart.
    pub fn instance(&self) -> Id {
        self.0.instance
    }

    /// Resolves once something was queued after this call.
    pub fn queued(&self) -> Notified<'_> {
        self.0.queued.notified()
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.0.parts.store
    }

    /// The present, in whole milliseconds.
    pub fn now(&self) -> Timestamp {
        let now = self.0.parts.clock.now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// The day on which consent and agreements are judged.
    pub(crate) fn today(&self) -> jiff::civil::Date {
        self.0.parts.clock.today()
    }

    /// Randomness.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.0.parts.entropy
    }

    fn id(&self) -> Id {
        Id::random(self.entropy())
    }

    fn limits(&self) -> &Limits {
        &self.0.parts.limits
    }

    fn files(&self) -> &Files {
        &self.0.files
    }

    /// Tells the workers that something was queued.
    fn wake(&self) {
        self.0.queued.notify_waiters();
    }

    /// `now` and a time span earlier; the beginning of time if that cannot be written.
    fn before(&self, now: Timestamp, span: Duration) -> Timestamp {
        now.checked_sub(span).unwrap_or(Timestamp::MIN)
    }

    /// `now` and a time span later; the far future if that cannot be written.
    fn after(&self, now: Timestamp, span: Duration) -> Timestamp {
        now.checked_add(span).unwrap_or(Timestamp::MAX)
    }
}
