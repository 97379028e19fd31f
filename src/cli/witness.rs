//! `tamis witness`: cosigns the checkpoints of other operators' logs.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Exit, Failure, Screen, Wiring};
use crate::witness::{Directory, Scheme, Server, WitnessError};

/// Vouch that logs only ever grow: cosign checkpoints (C2SP tlog-witness)
#[derive(Subcommand)]
pub(super) enum Witness {
    Init(Init),
    Trust(Trust),
    Key(Key),
    Serve(Serve),
}

/// Make a witness's directory: its key, its certificate, its settings
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis witness init --home /var/lib/witness --name witness.example/w1 --hostname witness.example"
)]
pub(super) struct Init {
    /// The directory to make
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
    /// The name in its cosignatures, e.g. witness.example/w1; never changed later
    #[arg(long, value_name = "NAME")]
    name: String,
    /// A name or address its certificate is good for; may be repeated [default: localhost and loopback]
    #[arg(long = "hostname", value_name = "NAME")]
    hostnames: Vec<String>,
}

/// Look after a log from now on
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis witness trust --home /var/lib/witness tamis.example/log+30b2f5c1+AaVc…"
)]
pub(super) struct Trust {
    /// The log's verifier key, as its operator tells it
    #[arg(value_name = "KEY")]
    log: String,
    /// The witness's directory
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
}

/// Print the witness's verifier key, for those who trust it
#[derive(Args)]
#[command(after_help = "Example:\n  tamis witness key --home /var/lib/witness")]
pub(super) struct Key {
    /// The witness's directory
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
}

/// Answer logs until it is asked to end (ctrl-c, SIGTERM)
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis witness serve --home /var/lib/witness --listen 0.0.0.0:8444"
)]
pub(super) struct Serve {
    /// The witness's directory
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
    /// Where to listen; port 0 lets the system choose
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8444")]
    listen: SocketAddr,
    /// Plain HTTP instead of TLS; on loopback alone
    #[arg(long)]
    plain: bool,
    /// Write the address to this file once requests are answered
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

impl Witness {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        match self {
            Witness::Init(command) => command.run(wiring, screen),
            Witness::Trust(command) => command.run(screen),
            Witness::Key(command) => command.run(screen),
            Witness::Serve(command) => command.run(wiring, screen).await,
        }
    }
}

impl Init {
    fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let hostnames = match self.hostnames.is_empty() {
            true => ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into(),
            false => self.hostnames,
        };
        let now = wiring.clock.now();
        let made = Directory::create(&self.home, &self.name, &hostnames, now, &*wiring.entropy);
        let made = made.map_err(failed)?;
        let vkey = made.key().map_err(failed)?.verifier().vkey();
        let answer = json!({ "home": self.home, "key": vkey });
        screen.answer(&answer, || {
            format!(
                "Witness {home}\nKey {vkey}\nNext: tamis witness trust --home {home} KEY-OF-A-LOG; then tamis witness serve --home {home}",
                home = self.home.display()
            )
        })?;
        Ok(Exit::Done)
    }
}

impl Trust {
    fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let mut directory = Directory::open(&self.home).map_err(failed)?;
        directory.trust(&self.log).map_err(failed)?;
        let answer = json!({ "logs": directory.logs() });
        screen.answer(&answer, || {
            let logs = directory.logs().len();
            format!("Logs that are known: {logs}. A witness that runs takes a new one up when it starts again.")
        })?;
        Ok(Exit::Done)
    }
}

impl Key {
    fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let directory = Directory::open(&self.home).map_err(failed)?;
        let vkey = directory.key().map_err(failed)?.verifier().vkey();
        let certificate = directory.certificate().map_err(failed)?;
        let answer = json!({
            "key": vkey, "logs": directory.logs(), "certificate_pem": certificate,
        });
        screen.answer(&answer, || vkey.clone())?;
        Ok(Exit::Done)
    }
}

impl Serve {
    async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let directory = Directory::open(&self.home).map_err(failed)?;
        if directory.logs().is_empty() {
            return Err(Failure::usage("this witness knows no log")
                .next("tamis witness trust --home DIR KEY"));
        }
        let scheme = match self.plain {
            true => Scheme::Plain,
            false => Scheme::Https,
        };
        let ended = super::asked_to_end()?;
        let server = Server::bind(&directory, self.listen, scheme, wiring.clock.clone());
        let server = server.await.map_err(failed)?;
        let address = server.address();
        if let Some(file) = &self.ready_file {
            server.say_ready(file).map_err(failed)?;
        }
        let word = if self.plain { "http" } else { "https" };
        screen.note(format!(
            "answering on {word}://{address}/add-checkpoint; logs that are known: {}",
            directory.logs().len()
        ));
        server.serve(ended).await;
        screen.answer(&json!({ "stopped": true }), || "stopped".to_owned())?;
        Ok(Exit::Done)
    }
}

fn failed(error: WitnessError) -> Failure {
    match error {
        WitnessError::Home(_)
        | WitnessError::Name(_)
        | WitnessError::Log(_)
        | WitnessError::Settings(_)
        | WitnessError::Plain => Failure::usage(error.to_string()),
        _ => Failure::service(error.to_string()),
    }
}
