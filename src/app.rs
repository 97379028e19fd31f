//! The only wiring: here the real clock and the real randomness enter, and rooms are put together.
//!
//! The operator's home, made by `init`: `config.toml`, the key-encryption key and the log's key, `ca/`
//! (the private authority and the server's certificate), the database, and the data directory, which
//! only one service uses at a time.

mod check;
mod clock;
mod init;
mod invite;
mod lock;
mod quarantine;
mod serve;
mod wiring;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use tamis_keys::Entropy;
use tamis_keys::entropy::SystemEntropy;
use tamis_keys::home::HomeError;
use tamis_keys::kek::KekError;
use tamis_protocols::release::Policy;
use tamis_protocols::transparency::BadOrigin;

use crate::cli::operator::{
    CheckOptions, CheckReport, InitOptions, Initialised, InviteOptions, Operator,
    QuarantineOptions, QuarantineReport, ServeOptions,
};
use crate::cli::{self, Failure, Wiring};
use crate::config::{Config, ConfigError};
use crate::delivery::egress::{EgressError, NetworkError};
use crate::domain::id::Id;
use crate::http::tls::TlsError;
use crate::party::exchange::enrolment::Invitation;
use crate::service::ServiceError;
use crate::service::authority::AuthorityError;
use crate::service::noise::ExactNoise;
use crate::service::work::JobError;
use crate::store::StoreError;
pub use check::check;
pub use clock::SystemClock;
pub use init::init;
pub use invite::invite;
pub use quarantine::quarantine;
pub use serve::{Running, serve, start};

/// Why the operator's part of the program cannot do its work.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says itself what it is")]
pub enum AppError {
    #[error("{0} is an operator's home already: use it as it is, or name another directory")]
    HomeExists(PathBuf),
    #[error("another service uses {0}: stop it, or give each service a data directory of its own")]
    InUse(PathBuf),
    #[error("there is no database at {0}: restore it before anything else")]
    NoDatabase(PathBuf),
    #[error("nothing can listen on {address}: {source}")]
    Listen {
        address: std::net::SocketAddr,
        source: std::io::Error,
    },
    #[error("{path}: {source}")]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the runtime failed: {0}")]
    Runtime(std::io::Error),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Kek(#[from] KekError),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Service(#[from] ServiceError),
    #[error("background work cannot start: {0}")]
    Work(#[from] JobError),
    #[error("delivery.allowed_networks: {0}")]
    Network(#[from] NetworkError),
    #[error("witness.peer: {0}")]
    Witness(#[from] EgressError),
    #[error("{0} is not in quarantine: `tamis quarantine` without --clear lists what is")]
    NotInQuarantine(String),
    #[error(
        "the terms of collaboration {0} keep its data in `{1}`, and `residency` of the configuration does not name it: name it there if this is where the data lie, or bring them there"
    )]
    Misplaced(Id, String),
    #[error("log_origin: {0}")]
    Origin(#[from] BadOrigin),
}

impl AppError {
    /// Whether the operator's input is at fault, and not this machine.
    fn is_usage(&self) -> bool {
        matches!(
            self,
            AppError::HomeExists(_)
                | AppError::Misplaced(..)
                | AppError::Config(_)
                | AppError::Origin(_)
                | AppError::NotInQuarantine(_)
                | AppError::Network(_)
                | AppError::Witness(_)
                | AppError::Service(ServiceError::Invalid { .. } | ServiceError::Conflict { .. })
                | AppError::Authority(AuthorityError::HostName)
        )
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        if error.is_usage() {
            Failure::usage(match &error {
                // The code is for programs.
                AppError::Service(
                    ServiceError::Invalid { detail, .. } | ServiceError::Conflict { detail, .. },
                ) => detail.clone(),
                other => other.to_string(),
            })
        } else {
            Failure::service(error.to_string())
        }
    }
}

/// What the operator's commands do, each in a runtime of its own.
struct Program {
    entropy: Arc<dyn Entropy>,
}

impl Program {
    fn run<T>(&self, work: impl Future<Output = Result<T, AppError>>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(AppError::Runtime)?;
        Ok(runtime.block_on(work)?)
    }
}

impl Operator for Program {
    fn init(&self, options: &InitOptions) -> Result<Initialised, Failure> {
        self.run(init(options, self.entropy.clone()))
    }

    fn serve(&self, options: &ServeOptions) -> Result<(), Failure> {
        self.run(serve(options, self.entropy.clone()))
    }

    fn invite(&self, options: &InviteOptions) -> Result<Invitation, Failure> {
        self.run(invite(options, self.entropy.clone()))
    }

    fn quarantine(&self, options: &QuarantineOptions) -> Result<QuarantineReport, Failure> {
        self.run(quarantine(options, self.entropy.clone()))
    }

    fn policy(&self, home: &Path) -> Result<Policy, Failure> {
        let config = Config::read(home).map_err(AppError::from)?;
        Ok(config.release)
    }

    fn check(
        &self,
        options: &CheckOptions,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<CheckReport, Failure> {
        self.run(check(options, self.entropy.clone(), progress))
    }
}

/// The whole program: hands the command line what only this room may make.
pub fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "this is where randomness enters")]
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::new());
    let wiring = Wiring {
        entropy: entropy.clone(),
        noise: Arc::new(ExactNoise),
        clock: Arc::new(SystemClock::default()),
        operator: Arc::new(Program { entropy }),
    };
    cli::run(std::env::args_os(), &wiring)
}

#[cfg(test)]
mod api_tests;
#[cfg(test)]
mod tests;
