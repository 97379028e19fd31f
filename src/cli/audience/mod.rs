//! `tamis audience`: create, list, show; `wording` finds slips in an expression before the gate is asked.

use clap::Subcommand;

use super::{Exit, Failure, Screen};

mod create;
mod list;
mod show;
mod wording;

/// Name audiences and see what the release gate said
#[derive(Subcommand)]
pub(super) enum Audience {
    Create(create::Create),
    List(list::List),
    Show(show::Show),
}

impl Audience {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        match self {
            Audience::Create(command) => command.run(screen).await,
            Audience::List(command) => command.run(screen).await,
            Audience::Show(command) => command.run(screen).await,
        }
    }
}
