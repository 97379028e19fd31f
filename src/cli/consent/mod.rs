//! `tamis consent …`: what people decide about their data, sent on and followed to its end.

mod decode;
mod people;
mod prove;
mod requests;
mod send;
mod show;
mod wording;

use clap::Subcommand;

use super::{Exit, Failure, Screen, Wiring};

/// Act on what people decide about their data
#[derive(Subcommand)]
pub(super) enum Consent {
    Withdraw(send::Withdraw),
    Oppose(send::Oppose),
    Erase(send::Erase),
    Decode(decode::Decode),
    Prove(prove::Prove),
    Requests(requests::Requests),
    Show(show::Show),
}

impl Consent {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        match self {
            Consent::Withdraw(command) => command.run(screen).await,
            Consent::Oppose(command) => command.run(screen).await,
            Consent::Erase(command) => command.run(screen).await,
            Consent::Decode(command) => command.run(wiring, screen),
            Consent::Prove(command) => command.run(screen).await,
            Consent::Requests(command) => command.run(screen).await,
            Consent::Show(command) => command.run(screen).await,
        }
    }
}
