//! `tamis collaboration`: propose, accept, show.

use clap::Subcommand;

use super::{Exit, Failure, Screen, Wiring};

mod accept;
mod propose;
mod show;

pub(super) use propose::identifier;

/// Sign an agreement with another party, and look at it
#[derive(Subcommand)]
pub(super) enum Collaboration {
    Propose(propose::Propose),
    Accept(accept::Accept),
    Show(show::Show),
}

impl Collaboration {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        match self {
            Collaboration::Propose(command) => command.run(wiring, screen).await,
            Collaboration::Accept(command) => command.run(wiring, screen).await,
            Collaboration::Show(command) => command.run(screen).await,
        }
    }
}
