//! `tamis collaboration accept`: the partner signs the same bytes.

use clap::Args;
use tamis_protocols::wire::api::{CollaborationState, Role};

use super::show;
use crate::cli::party::HomeArg;
use crate::cli::{Exit, Failure, Screen, Wiring};
use crate::party::exchange::pairing;

/// Accept a proposed collaboration (partners); `show` prints its terms first
#[derive(Args)]
#[command(after_help = "Example:\n  tamis collaboration accept")]
pub(in crate::cli) struct Accept {
    /// The collaboration's id; may be left out if exactly one is proposed
    id: Option<String>,
    #[command(flatten)]
    home: HomeArg,
}

impl Accept {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session_as(&[Role::Partner])?;
        let proposed = session
            .collaboration(self.id.as_deref(), CollaborationState::Proposed)
            .await?;
        let waiting = screen.spinner("checking, signing, agreeing the pair secret");
        let (view, _) = pairing::accept(&session, &proposed, &*wiring.entropy).await?;
        waiting.finish_and_clear();
        show::answer(screen, &session, &view).await?;
        Ok(Exit::Done)
    }
}
