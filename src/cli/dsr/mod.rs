//! `tamis dsr …`: deletion requests of other companies, and to them.

mod send;
mod serve;

use clap::Subcommand;

use super::{Exit, Failure, Screen, Wiring};
use crate::party::dsr::{DsrError, Now};

/// Take and send deletion requests (IAB Data Deletion Request Framework)
#[derive(Subcommand)]
pub(super) enum Dsr {
    Serve(serve::Serve),
    Send(send::Send),
}

impl Dsr {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        match self {
            Dsr::Serve(command) => command.run(wiring, screen).await,
            Dsr::Send(command) => command.run(wiring, screen).await,
        }
    }
}

fn clock(wiring: &Wiring) -> Now {
    let clock = wiring.clock.clone();
    std::sync::Arc::new(move || clock.now())
}

fn failed(error: DsrError) -> Failure {
    let failure = match &error {
        DsrError::Unreachable(_) | DsrError::Misunderstood(_) => {
            Failure::service(error.to_string())
        }
        _ => Failure::usage(error.to_string()),
    };
    match error {
        DsrError::Unreachable(_) => failure
            .next("Is the domain right? Where its resource is elsewhere: DOMAIN=https://HOST."),
        DsrError::Authorities => {
            failure.next("Give a PEM file of certificates with --authorities.")
        }
        _ => failure,
    }
}

/// The PEM of a file, if one is named.
fn pem(path: Option<&std::path::Path>) -> Result<Option<String>, Failure> {
    path.map(|path| {
        std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
    })
    .transpose()
}
