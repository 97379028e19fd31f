//! `tamis collaboration`: propose, accept, show, tighten, coverage.

use clap::Subcommand;

use super::{Exit, Failure, Screen, Wiring};

mod accept;
mod consent;
mod coverage;
mod policy;
mod propose;
mod show;
mod tighten;

pub(super) use propose::identifier;

/// Sign an agreement with another party, and look at it
#[derive(Subcommand)]
pub(super) enum Collaboration {
    Propose(Box<propose::Propose>),
    Accept(accept::Accept),
    Show(show::Show),
    Tighten(tighten::Tighten),
    Coverage(coverage::Coverage),
}

impl Collaboration {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        match self {
            Collaboration::Propose(command) => command.run(wiring, screen).await,
            Collaboration::Accept(command) => command.run(wiring, screen).await,
            Collaboration::Show(command) => command.run(screen).await,
            Collaboration::Tighten(command) => command.run(screen).await,
            Collaboration::Coverage(command) => command.run(screen).await,
        }
    }
}
