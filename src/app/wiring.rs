//! From an operator's home to a service.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tamis_keys::Entropy;
use tamis_keys::home::{OperatorHome, create_private_dir};
use tamis_protocols::release::Abnormal;
use tamis_protocols::transparency::LogKey;

use super::AppError;
use crate::config::Config;
use crate::delivery::backoff::Backoff;
use crate::delivery::egress::{Egress, Network, SystemResolver};
use crate::delivery::webhook::{Timeouts, WebhookSender};
use crate::delivery::witnesses::{Place, WitnessClient};
use crate::domain::clock::Clock;
use crate::domain::residency::Residency;
use crate::matching::LocalEngine;
use crate::service::authority::Authority;
use crate::service::noise::ExactNoise;
use crate::service::work::Outbound;
use crate::service::{Compaction, Limits, Service, ServiceParts, WitnessRule};
use crate::store::{Store, sqlite_url};
use crate::worker::Settings;

/// The authority's directory in a home.
pub const AUTHORITY: &str = "ca";
/// The embedded database in a home.
pub const DATABASE: &str = "tamis.db";

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// An open home, and the service that it makes.
pub struct Wired {
    /// The configuration.
    pub config: Config,
    /// The private authority.
    pub authority: Authority,
    /// The log's verifier key.
    pub log_key: String,
    /// The database.
    pub store: Store,
    /// The use cases.
    pub service: Service,
}

/// Puts a service together from the home at `home`. Takes no lock: an invitation is made beside a
/// running service.
pub async fn wire(
    home: &Path,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Wired, AppError> {
    let config = Config::read(home)?;
    let keys = OperatorHome::open(home)?;
    let authority = Authority::open(&home.join(AUTHORITY))?;
    let log_key = LogKey::new(keys.log_signing(), &config.log_origin)?;
    let vkey = log_key.vkey();
    let data_dir = config.data_dir(home);
    create_private_dir(&data_dir)?;
    let store = Store::open(&database_url(&config, home)).await?;
    let service = Service::new(ServiceParts {
        store: store.clone(),
        kek: keys.kek(kek_command(&config).as_deref())?,
        entropy,
        clock,
        noise: Arc::new(ExactNoise),
        engine: Arc::new(LocalEngine::new(threads(&config))),
        authority: authority.clone(),
        log_key,
        data_dir: data_dir.clone(),
        policy: config.release,
        residency: Residency::new(config.residency.clone()),
        limits: limits(&config),
    })
    .map_err(|source| AppError::File {
        path: data_dir,
        source,
    })?;
    Ok(Wired {
        config,
        authority,
        log_key: vkey,
        store,
        service,
    })
}

/// The command that prints the key-encryption key: the environment's comes before the configuration's.
fn kek_command(config: &Config) -> Option<String> {
    let of_environment = std::env::var("TAMIS_KEK_COMMAND").ok();
    of_environment.or_else(|| config.kek_command.clone())
}

fn database_url(config: &Config, home: &Path) -> String {
    match &config.database {
        Some(url) => url.clone(),
        None => sqlite_url(&home.join(DATABASE)),
    }
}

fn threads(config: &Config) -> usize {
    match config.work.threads {
        0 => std::thread::available_parallelism().map_or(1, Into::into),
        threads => threads,
    }
}

fn limits(config: &Config) -> Limits {
    Limits {
        upload_length: config.uploads.max_bytes,
        open_uploads: config.uploads.open_per_party.into(),
        evidence_life: Duration::from_secs(u64::from(config.uploads.consent_years) * 365 * DAY),
        upload_life: Duration::from_secs(u64::from(config.uploads.expire_hours) * HOUR),
        invitation_life: Duration::from_secs(u64::from(config.enrolment.invitation_days) * DAY),
        certificate_life: Duration::from_secs(u64::from(config.enrolment.certificate_days) * DAY),
        job_memory: config.work.job_memory_mib << 20,
        total_memory: config.work.memory_mib << 20,
        compaction: Compaction {
            layers: config.work.compact_layers,
            percent: config.work.compact_percent,
        },
        abnormal: Abnormal {
            rows_percent: config.quarantine.rows_percent,
            persons_percent: config.quarantine.persons_percent,
        },
        witnesses: WitnessRule {
            require: config.witness.require,
            // What cannot be read was refused with the configuration.
            peers: config.witness.verifiers().unwrap_or_default(),
        },
        ..Limits::default()
    }
}

/// How deliveries leave and witnesses are asked, as the configuration says.
pub fn outbound(config: &Config, home: &Path) -> Result<Outbound, AppError> {
    let allowed = config.delivery.allowed_networks.iter();
    let allowed = allowed.map(|text| text.parse::<Network>());
    let egress = Egress::new(Arc::new(SystemResolver), allowed.collect::<Result<_, _>>()?);
    let timeouts = Timeouts {
        total: Duration::from_secs(config.delivery.request_seconds),
        ..Timeouts::default()
    };
    let witnesses = WitnessClient::new(egress.clone(), places(config, home)?)?;
    Ok(Outbound {
        witnesses: Arc::new(witnesses),
        courier: Arc::new(WebhookSender::new(egress, timeouts)),
        backoff: Backoff {
            attempts: config.delivery.attempts,
            ..Backoff::default()
        },
    })
}

/// Where the witnesses are, by their names.
fn places(config: &Config, home: &Path) -> Result<BTreeMap<String, Place>, AppError> {
    let names = config.witness.verifiers().unwrap_or_default();
    let peers = names.iter().zip(&config.witness.peer);
    let places = peers.map(|(key, peer)| {
        let ca_pem = peer.ca.as_ref().map(|path| {
            let path = home.join(path);
            std::fs::read_to_string(&path).map_err(|source| AppError::File { path, source })
        });
        let place = Place {
            url: peer.url.clone(),
            ca_pem: ca_pem.transpose()?,
        };
        Ok((key.name().to_owned(), place))
    });
    places.collect()
}

/// How background work is done, as the configuration says.
pub fn settings(config: &Config) -> Settings {
    let lease = Duration::from_secs(config.work.lease_seconds.into());
    Settings {
        computing: config.work.computing,
        delivering: config.work.delivering,
        lease,
        heartbeat: lease / 6,
        ..Settings::default()
    }
}
