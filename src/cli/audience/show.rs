//! `tamis audience show`: one audience.

use clap::Args;
use tamis_protocols::wire::api::AudienceView;

use crate::cli::party::CollaborationArg;
use crate::cli::{Exit, Failure, Screen, prose};
use crate::party::exchange::paths;

/// Show an audience: where it is, and about how large
#[derive(Args)]
#[command(after_help = "Example:\n  tamis audience show loyal")]
pub(in crate::cli) struct Show {
    /// The audience's name
    name: String,
    #[command(flatten)]
    at: CollaborationArg,
}

impl Show {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let (session, collaboration) = self.at.open().await?;
        let path = paths::audience(&collaboration.id, &self.name);
        let view: AudienceView = session.client.get(&path).await?;
        screen.answer(&view, || prose::audiences(std::slice::from_ref(&view)))?;
        Ok(Exit::Done)
    }
}
