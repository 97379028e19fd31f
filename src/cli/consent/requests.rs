//! `tamis consent requests`: what was asked for, and where each stands.

use clap::Args;

use super::wording;
use crate::cli::party::{BOTH_SIDES, CollaborationArg};
use crate::cli::{Exit, Failure, Screen};
use crate::party::exchange::requests;

/// List your withdrawals, oppositions and erasures, newest first, with how far each is
#[derive(Args)]
#[command(after_help = "Example:\n  tamis consent requests")]
pub(in crate::cli) struct Requests {
    #[command(flatten)]
    at: CollaborationArg,
}

impl Requests {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let (session, collaboration) = self.at.open(&BOTH_SIDES).await?;
        let views = requests::list(&session, &collaboration.id).await?;
        screen.answer(&serde_json::json!({ "items": views }), || {
            wording::requests(&views)
        })?;
        Ok(Exit::Done)
    }
}
