//! `tamis audience show`: one audience.

use clap::Args;
use tamis_protocols::wire::api::{AudienceView, Role};

use crate::cli::party::CollaborationArg;
use crate::cli::{Exit, Failure, Screen, prose};
use crate::party::exchange::{ExchangeError, paths};

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
        let (session, collaboration) = self.at.open(&[Role::Advertiser]).await?;
        let path = paths::audience(&collaboration.id, &self.name);
        let found = session.client.get(&path).await;
        let view: AudienceView = found.map_err(|error: ExchangeError| {
            error.if_not_found(|| ExchangeError::Lacking {
                what: format!("there is no audience {}", self.name),
                next: "`tamis audience list` lists yours.".to_owned(),
            })
        })?;
        screen.answer(&view, || prose::audiences(std::slice::from_ref(&view)))?;
        Ok(Exit::Done)
    }
}
