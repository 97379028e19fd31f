//! `tamis init`: an operator's home.

use std::net::SocketAddr;
use std::sync::Arc;

use tamis_keys::Entropy;
use tamis_keys::home::{OperatorHome, write_private};

use super::wiring::{AUTHORITY, wire};
use super::{AppError, SystemClock};
use crate::cli::operator::{InitOptions, Initialised};
use crate::config::{self, Config};
use crate::domain::clock::Clock;
use crate::service::authority::Authority;

/// Loopback and private networks (RFC 1918, RFC 4193), for trials. Never link-local: cloud metadata
/// services live there.
const PRIVATE: [&str; 6] = [
    "127.0.0.0/8",
    "::1/128",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
];

/// Makes the key-encryption key, the log's key, the private authority, the server's certificate, the
/// configuration and the database. Refuses a home that is there already.
pub async fn init(
    options: &InitOptions,
    entropy: Arc<dyn Entropy>,
) -> Result<Initialised, AppError> {
    let home = &options.home;
    if home.join(config::FILE).exists() {
        return Err(AppError::HomeExists(home.clone()));
    }
    let config = configuration(options);
    config.check()?;
    let clock = SystemClock::default();
    OperatorHome::create(home, &*entropy)?;
    let authority = Authority::create(&home.join(AUTHORITY), clock.now())?;
    authority.server(&config.hostnames, clock.now())?;
    // May hold a database password.
    write_private(&home.join(config::FILE), config.to_text().as_bytes())?;
    let wired = wire(home, Arc::new(clock), entropy).await?;
    wired.store.close().await;
    Ok(Initialised {
        home: home.clone(),
        log_key: wired.log_key,
    })
}

fn configuration(options: &InitOptions) -> Config {
    let mut config = Config {
        listen: options.listen,
        metrics_listen: Some(([127, 0, 0, 1], metrics_port(options.listen)).into()),
        database: options.database.clone(),
        ..Config::default()
    };
    if !options.hostnames.is_empty() {
        config.hostnames = options.hostnames.clone();
    }
    if let Some(host) = config.hostnames.first() {
        config.url = url(host, options.listen);
        config.log_origin = format!("{host}/tamis");
    }
    if options.allow_private_endpoints {
        config.delivery.allowed_networks = PRIVATE.map(str::to_owned).into();
    }
    config
}

fn url(host: &str, listen: SocketAddr) -> String {
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    match listen.port() {
        443 => format!("https://{host}"),
        port => format!("https://{host}:{port}"),
    }
}

/// The usual port beside the usual one; beside any other, a free one: services on one machine must
/// not meet there.
fn metrics_port(listen: SocketAddr) -> u16 {
    match listen.port() {
        8443 => 9464,
        _ => 0,
    }
}
