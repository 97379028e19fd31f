//! `tamis audit`: what an auditor does, and what it asks of the parties.

use clap::Subcommand;

use super::{Exit, Failure, Screen};

mod draw;
mod pack;
mod report;
mod samples;
mod substantiate;

/// Audit a service: pack the evidence, draw consent records, count what they say; parties substantiate
#[derive(Subcommand)]
pub(super) enum Audit {
    Pack(pack::Pack),
    Sample(draw::Draw),
    Samples(samples::Samples),
    Substantiate(substantiate::Substantiate),
    Report(report::Report),
}

impl Audit {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        match self {
            Audit::Pack(command) => command.run(screen).await,
            Audit::Sample(command) => command.run(screen).await,
            Audit::Samples(command) => command.run(screen).await,
            Audit::Substantiate(command) => command.run(screen).await,
            Audit::Report(command) => command.run(screen).await,
        }
    }
}
