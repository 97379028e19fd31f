//! `tamis audience list`: every audience of a collaboration.

use clap::Args;
use tamis_protocols::wire::api::Role;

use crate::cli::party::CollaborationArg;
use crate::cli::{Exit, Failure, Screen, prose};
use crate::party::exchange::activation;

/// List the audiences of a collaboration
#[derive(Args)]
#[command(after_help = "Example:\n  tamis audience list")]
pub(in crate::cli) struct List {
    #[command(flatten)]
    at: CollaborationArg,
}

impl List {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let (session, collaboration) = self.at.open(&[Role::Advertiser]).await?;
        let views = activation::audiences(&session, &collaboration.id).await?;
        screen.answer(&serde_json::json!({ "items": views }), || {
            prose::audiences(&views)
        })?;
        Ok(Exit::Done)
    }
}
