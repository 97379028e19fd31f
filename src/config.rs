//! The operator's configuration: `config.toml` in the operator's home, written by `tamis init`.
//!
//! Everything has a default but the home itself; unknown keys are refused, so that a misspelt limit is
//! not a missing one. Relative paths are relative to the home.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tamis_protocols::release::Policy;
use tamis_protocols::transparency::WitnessVerifier;

use crate::http::limits::Limits;

/// The file's name in the home.
pub const FILE: &str = "config.toml";

/// Why a configuration cannot be used. Names keys, never values.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read or written.
    #[error("{path} cannot be read: {source}; make a home with `tamis init`")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, or a value of the wrong kind.
    #[error("{path}: {reason}")]
    Form {
        /// The file.
        path: PathBuf,
        /// The reason, with its line.
        reason: String,
    },
    /// A value outside of its range.
    #[error("`{key}` must be {range}")]
    Range {
        /// The key.
        key: &'static str,
        /// What it may be.
        range: &'static str,
    },
}

/// The whole configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the HTTPS API listens.
    pub listen: SocketAddr,
    /// The API's address as parties reach it; stands in invitations.
    pub url: String,
    /// Names and addresses of the server's certificate.
    pub hostnames: Vec<String>,
    /// Where metrics are served in plain HTTP; absent: nowhere. Port 0: a free one, said in the log.
    #[serde(default)]
    pub metrics_listen: Option<SocketAddr>,
    /// `sqlite:` or `postgres:` URL; absent: an SQLite file in the home.
    pub database: Option<String>,
    /// Where uploads, sets and the log lie.
    pub data_dir: PathBuf,
    /// Where the data directory and the database lie, as tags that terms may demand, e.g. `eu`. Empty: no
    /// place is promised.
    pub residency: Vec<String>,
    /// A command that prints the key-encryption key; absent: the key file in the home.
    pub kek_command: Option<String>,
    /// The log's origin line in checkpoints.
    pub log_origin: String,
    /// Uploads.
    pub uploads: Uploads,
    /// The release policy: what no collaboration can make looser.
    pub release: Policy,
    /// Certificates and invitations.
    pub enrolment: Enrolment,
    /// Matching and background work.
    pub work: Work,
    /// Match rates at which the operator looks first.
    pub quarantine: Quarantine,
    /// Deliveries.
    pub delivery: Delivery,
    /// Witnesses of the log.
    pub witness: Witness,
    /// Connections and requests.
    pub limits: Limits,
}

/// Uploads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Uploads {
    /// Longest upload, bytes.
    pub max_bytes: u64,
    /// Hours after which an incomplete upload ends.
    pub expire_hours: u32,
    /// Incomplete uploads that one party may have.
    pub open_per_party: u32,
    /// Years for which consent records are kept after their upload was replaced, 1 to 100.
    pub consent_years: u32,
}

/// Certificates and invitations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Enrolment {
    /// Days that a client certificate is valid, 1 to 397.
    pub certificate_days: u32,
    /// Days that an invitation is valid, 1 to 90.
    pub invitation_days: u32,
}

/// Matching and background work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Work {
    /// Threads of matching; 0: as many as the machine has cores.
    pub threads: usize,
    /// Memory of all sealings, matches and decisions together, MiB, 64 to 1048576. One that does not fit
    /// waits for its turn.
    pub memory_mib: u64,
    /// Memory of each, MiB, 64 to 65536; more than `memory_mib` is as good as that. Homes of earlier
    /// versions name it for the sealings alone.
    #[serde(alias = "seal_memory_mib")]
    pub job_memory_mib: u64,
    /// Sealings, matches and decisions at a time, 1 to 64.
    pub computing: usize,
    /// Deliveries at a time, 1 to 64.
    pub delivering: usize,
    /// Seconds after which a job of a dead service is taken over, 10 to 3600.
    pub lease_seconds: u32,
    /// Added and removed uploads on a full one before they are written as one again, 1 to 1000.
    pub compact_layers: usize,
    /// Or their weight in percent of the full one, 1 to 1000.
    pub compact_percent: u32,
}

/// Match rates at which the operator looks first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quarantine {
    /// Matched persons in percent of the advertiser's rows, 1 to 100; above, nothing is delivered before
    /// `tamis quarantine --clear`. 100: never for this reason.
    pub rows_percent: u8,
    /// The same in percent of the partner's persons.
    pub persons_percent: u8,
}

/// Deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Delivery {
    /// Networks that endpoints may lie in although they are not public, e.g. `10.1.0.0/16`.
    pub allowed_networks: Vec<String>,
    /// Attempts of a batch before its delivery fails, 1 to 1000.
    pub attempts: u32,
    /// Seconds for one batch, 1 to 300.
    pub request_seconds: u64,
}

/// Witnesses of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Witness {
    /// How many must vouch for the log before an audience leaves, 0 to the number of peers.
    pub require: usize,
    /// Those that are asked, at most 15.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peer: Vec<WitnessPeer>,
}

/// A witness of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessPeer {
    /// Its submission prefix, https.
    pub url: String,
    /// Its verifier key, which has its name.
    pub vkey: String,
    /// PEM file of the only authority trusted for it, relative to the home; absent: those of the public web.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

impl Witness {
    /// The keys of the peers; none if one cannot be read, or a name or a key is there twice.
    pub fn verifiers(&self) -> Option<Vec<WitnessVerifier>> {
        let mut found: Vec<WitnessVerifier> = Vec::new();
        for peer in &self.peer {
            let one = WitnessVerifier::parse(&peer.vkey)?;
            let same = |other: &WitnessVerifier| {
                other.name() == one.name() || other.public() == one.public()
            };
            if found.iter().any(same) {
                return None;
            }
            found.push(one);
        }
        Some(found)
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            url: "https://localhost:8443".to_owned(),
            hostnames: ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into(),
            metrics_listen: None,
            database: None,
            data_dir: PathBuf::from("data"),
            residency: Vec::new(),
            kek_command: None,
            log_origin: "localhost/tamis".to_owned(),
            uploads: Uploads::default(),
            release: Policy::floor(),
            enrolment: Enrolment::default(),
            work: Work::default(),
            quarantine: Quarantine::default(),
            delivery: Delivery::default(),
            witness: Witness::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Quarantine {
    fn default() -> Self {
        Quarantine {
            rows_percent: 95,
            persons_percent: 60,
        }
    }
}

impl Default for Uploads {
    fn default() -> Self {
        Uploads {
            max_bytes: 8 << 30,
            expire_hours: 48,
            open_per_party: 8,
            consent_years: 5,
        }
    }
}

impl Default for Enrolment {
    fn default() -> Self {
        Enrolment {
            certificate_days: 90,
            invitation_days: 7,
        }
    }
}

impl Default for Work {
    fn default() -> Self {
        Work {
            threads: 0,
            memory_mib: 1024,
            job_memory_mib: 512,
            computing: 2,
            delivering: 4,
            lease_seconds: 60,
            compact_layers: 8,
            compact_percent: 10,
        }
    }
}

impl Default for Delivery {
    fn default() -> Self {
        Delivery {
            allowed_networks: Vec::new(),
            attempts: 36,
            request_seconds: 60,
        }
    }
}

impl Config {
    /// Reads the configuration of the home `home`, with every value in its range.
    pub fn read(home: &Path) -> Result<Self, ConfigError> {
        let path = home.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::File {
            path: path.clone(),
            source,
        })?;
        Self::parse(&text, &path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let config: Config = toml::from_str(text).map_err(|error| {
            // The library's display would quote the line, which may hold a database password.
            let at = error.span().map_or(0, |span| span.start);
            let line = text
                .get(..at)
                .map_or(0, |text| text.matches('\n').count() + 1);
            ConfigError::Form {
                path: path.to_owned(),
                reason: format!("line {line}: {}", error.message()),
            }
        })?;
        config.check()?;
        Ok(config)
    }

    /// The text of the file that `tamis init` writes: every key, each with what it means.
    pub fn to_text(&self) -> String {
        template::write(self)
    }

    /// Where uploads, sets and the log lie, for the home `home`.
    pub fn data_dir(&self, home: &Path) -> PathBuf {
        home.join(&self.data_dir)
    }
}

mod ranges;
mod template;

#[cfg(test)]
mod tests;
