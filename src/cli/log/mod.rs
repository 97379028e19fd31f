//! `tamis log`: fetch and verify.

use clap::Subcommand;

use super::{Exit, Failure, Screen};

mod fetch;
mod verify;

/// Fetch the transparency log and prove it offline
#[derive(Subcommand)]
pub(super) enum Log {
    Fetch(fetch::Fetch),
    Verify(verify::Verify),
}

impl Log {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        match self {
            Log::Fetch(command) => command.run(screen).await,
            Log::Verify(command) => command.run(screen),
        }
    }
}
