//! What the operator's commands ask of the program. `app` does it, since only `app` wires a service.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Serialize;
use tamis_protocols::release::Policy;
use tamis_protocols::wire::api::Role;

use super::Failure;
use crate::party::exchange::enrolment::Invitation;

/// The operator's side of the program.
pub trait Operator: Send + Sync {
    /// Makes an operator home: key-encryption key, log key, private authority, configuration.
    fn init(&self, options: &InitOptions) -> Result<Initialised, Failure>;
    /// Serves until asked to end.
    fn serve(&self, options: &ServeOptions) -> Result<(), Failure>;
    /// Makes a one-time invitation; works beside a running service.
    fn invite(&self, options: &InviteOptions) -> Result<Invitation, Failure>;
    /// Lists uploads that wait for the operator, or lets one go on; works beside a running service.
    fn quarantine(&self, options: &QuarantineOptions) -> Result<QuarantineReport, Failure>;
    /// The release policy of an operator home.
    fn policy(&self, home: &Path) -> Result<Policy, Failure>;
    /// Checks all that is stored while no service runs. `progress` gets the bytes that are done and
    /// all that there are.
    fn check(
        &self,
        options: &CheckOptions,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<CheckReport, Failure>;
}

/// `tamis init`.
#[derive(Clone, Debug)]
pub struct InitOptions {
    /// The directory to make.
    pub home: PathBuf,
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Names and addresses the server certificate is good for.
    pub hostnames: Vec<String>,
    /// Database URL; absent: SQLite in the home.
    pub database: Option<String>,
    /// Deliver to loopback and private addresses too.
    pub allow_private_endpoints: bool,
}

/// What `tamis init` made.
#[derive(Clone, Debug, Serialize)]
pub struct Initialised {
    /// The operator home.
    pub home: PathBuf,
    /// The log's verifier key, public.
    pub log_key: String,
}

/// `tamis serve`.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The operator home.
    pub home: PathBuf,
    /// The day on which consent is judged; absent: today.
    pub as_of: Option<Date>,
    /// Overrides the configured address.
    pub listen: Option<SocketAddr>,
    /// Written with the address (one line) once requests are answered.
    pub ready_file: Option<PathBuf>,
}

/// `tamis invite`.
#[derive(Clone, Debug)]
pub struct InviteOptions {
    /// The operator home.
    pub home: PathBuf,
    /// The party's name.
    pub name: String,
    /// What it will be.
    pub role: Role,
    /// The service's address as the party will reach it; absent: from the configuration.
    pub url: Option<String>,
}

/// `tamis check`.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// The operator home.
    pub home: PathBuf,
}

/// `tamis quarantine`.
#[derive(Clone, Debug)]
pub struct QuarantineOptions {
    /// The operator home.
    pub home: PathBuf,
    /// The upload to let go on; absent: none.
    pub clear: Option<String>,
}

/// What waits for the operator.
#[derive(Clone, Debug, Serialize)]
pub struct QuarantineReport {
    /// Uploads, oldest first.
    pub waiting: Vec<Quarantined>,
    /// Deliveries that were queued, if an upload was let go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued: Option<usize>,
}

/// An upload of which nothing is delivered yet.
#[derive(Clone, Debug, Serialize)]
pub struct Quarantined {
    /// Its id.
    pub upload: String,
    /// The advertiser.
    pub owner: String,
    /// The collaboration.
    pub collaboration: String,
    /// When it was noticed.
    pub at: String,
}

/// What `tamis check` found.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    /// Whether there are no findings.
    pub intact: bool,
    /// Uploads that are being received or wait for sealing.
    pub spools: u64,
    /// Sealed sets.
    pub sets: u64,
    /// Uploads whose consent records are kept.
    pub ledgers: u64,
    /// Lists of tokens of people who withdrew.
    pub withdrawals: u64,
    /// Member files.
    pub member_files: u64,
    /// Files of emissions.
    pub emissions: u64,
    /// Leaves of the published log.
    pub leaves: u64,
    /// What is damaged.
    pub findings: Vec<CheckFinding>,
    /// What nothing refers to: the next start sweeps it.
    pub leftovers: Vec<String>,
}

/// One damaged object.
#[derive(Clone, Debug, Serialize)]
pub struct CheckFinding {
    /// Which object.
    pub object: String,
    /// What is wrong with it.
    pub problem: String,
    /// What the operator can do.
    pub next: String,
}
