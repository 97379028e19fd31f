//! `tamis subject …`: what a person may ask a party for.

mod export;

use clap::Subcommand;

use super::{Exit, Failure, Screen, Wiring};

/// Answer what a person asks about their own data
#[derive(Subcommand)]
pub(super) enum Subject {
    Export(export::Export),
}

impl Subject {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let Subject::Export(command) = self;
        command.run(wiring, screen).await
    }
}
