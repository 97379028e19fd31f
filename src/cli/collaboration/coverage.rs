//! `tamis collaboration coverage`: how well the partner is synced with each destination.

use clap::Args;

use crate::cli::party::{BOTH_SIDES, CollaborationArg};
use crate::cli::{Exit, Failure, Screen, prose};
use crate::party::exchange::activation;

/// Show which share of the partner's persons has a live cookie at each destination
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis collaboration coverage\n\nReleased by the gate when the partner's upload is sealed, at most once a week; costs no budget."
)]
pub(in crate::cli) struct Coverage {
    #[command(flatten)]
    at: CollaborationArg,
}

impl Coverage {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let (session, collaboration) = self.at.open(&BOTH_SIDES).await?;
        let view = activation::coverage(&session, &collaboration.id).await?;
        screen.answer(&view, || match &view.at {
            Some(at) => format!(
                "Persons of {} with a live cookie, as of {at}\n{}",
                collaboration.partner.name,
                prose::coverage(&view)
            ),
            None => format!(
                "Nothing to tell yet: {} has not uploaded.",
                collaboration.partner.name
            ),
        })?;
        Ok(Exit::Done)
    }
}
