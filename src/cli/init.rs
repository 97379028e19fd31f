//! `tamis init`: an operator's home.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::operator::InitOptions;
use super::{Exit, Failure, Screen, Wiring};

/// Make an operator's home: keys, private authority, configuration
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis init --home /var/lib/tamis --listen 0.0.0.0:8443 --hostname tamis.example.org"
)]
pub(super) struct Init {
    /// The directory to make
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
    /// Where the API listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// A name or address the server certificate is good for; may be repeated [default: localhost and loopback]
    #[arg(long = "hostname", value_name = "NAME")]
    hostnames: Vec<String>,
    /// PostgreSQL or SQLite URL [default: SQLite in the home]
    #[arg(
        long,
        value_name = "URL",
        env = "TAMIS_DATABASE_URL",
        hide_env_values = true
    )]
    database: Option<String>,
    /// Deliver to loopback and private addresses too: for trials on one machine or one network
    #[arg(long)]
    allow_private_endpoints: bool,
}

impl Init {
    pub(super) fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let made = wiring.operator.init(&InitOptions {
            home: self.home,
            listen: self.listen,
            hostnames: self.hostnames,
            database: self.database,
            allow_private_endpoints: self.allow_private_endpoints,
        })?;
        screen.answer(&made, || {
            format!(
                "Operator home {home}\nLog key {key}\nNext: tamis serve --home {home}",
                home = made.home.display(),
                key = made.log_key
            )
        })?;
        Ok(Exit::Done)
    }
}
