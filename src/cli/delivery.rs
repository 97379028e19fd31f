//! `tamis delivery show`: how far the destinations are.

use std::time::Duration;

use clap::{Args, Subcommand};
use tamis_protocols::wire::api::{DeliveryState, DeliveryView};

use super::party::CollaborationArg;
use super::{Exit, Failure, Screen, prose};
use crate::party::exchange::{activation, paths};

/// See what was delivered
#[derive(Subcommand)]
pub(super) enum Delivery {
    Show(Show),
}

/// Show deliveries, newest first; exit code 1 if one has failed
#[derive(Args)]
#[command(after_help = "Example:\n  tamis delivery show --wait")]
pub(super) struct Show {
    /// One delivery [default: all of the collaboration]
    id: Option<String>,
    /// Wait until nothing is on its way any more
    #[arg(long)]
    wait: bool,
    /// Wait at most this long, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600, requires = "wait")]
    patience: u64,
    #[command(flatten)]
    at: CollaborationArg,
}

impl Delivery {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let Delivery::Show(show) = self;
        let (session, collaboration) = show.at.open().await?;
        let only = show.id.as_deref();
        let views: Vec<DeliveryView> = if show.wait {
            let waiting = screen.spinner("delivering");
            let patience = Duration::from_secs(show.patience);
            let said = |open: usize, all: usize| {
                waiting.set_message(format!("delivered {} of {all}", all - open));
            };
            activation::wait_delivered(&session, &collaboration.id, only, patience, &said).await?
        } else if let Some(id) = only {
            vec![session.client.get(&paths::delivery(id)).await?]
        } else {
            activation::deliveries(&session, &collaboration.id).await?
        };
        screen.answer(&serde_json::json!({ "items": views }), || {
            prose::deliveries(&views)
        })?;
        let failed = views.iter().any(|view| view.state == DeliveryState::Failed);
        Ok(if failed { Exit::Refused } else { Exit::Done })
    }
}
