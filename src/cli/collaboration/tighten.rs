//! `tamis collaboration tighten`: either party makes the release policy stricter, for good.

use clap::Args;
use tamis_protocols::release::Wish;

use super::policy::{self, PolicyArgs};
use crate::cli::party::{BOTH_SIDES, CollaborationArg};
use crate::cli::{Exit, Failure, Screen};
use crate::party::exchange::policy::tighten;

/// Make the release policy of a collaboration stricter, for good and for both sides
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis collaboration tighten --k-min 250 --pair-budget 4\n\nYou sign it; the other party sees your signature; the log has its digest. Nobody can loosen it again."
)]
pub(in crate::cli) struct Tighten {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    at: CollaborationArg,
}

impl Tighten {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let wish = self.policy.wish();
        if wish == Wish::default() {
            return Err(Failure::usage("nothing to tighten").next(
                "Say what is to be stricter, such as --k-min 250; `tamis help collaboration tighten` has all options.",
            ));
        }
        let (session, collaboration) = self.at.open(&BOTH_SIDES).await?;
        let view = tighten(&session, &collaboration, &wish).await?;
        screen.answer(&view, || {
            format!(
                "Collaboration {}\n{}Next: the other party sees it with `tamis collaboration show`",
                view.collaboration,
                policy::agreed(&view, 2)
            )
        })?;
        Ok(Exit::Done)
    }
}
