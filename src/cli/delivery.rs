//! `tamis delivery show`: how far the destinations are.

use std::time::Duration;

use clap::{Args, Subcommand};
use tamis_protocols::wire::api::{DeliveryState, DeliveryView};

use super::party::{BOTH_SIDES, CollaborationArg};
use super::{Exit, Failure, Screen, prose};
use crate::party::exchange::{Session, activation, paths};

/// See what was delivered
#[derive(Subcommand)]
pub(super) enum Delivery {
    Show(Show),
}

/// The id that begins so: tables show the first eight digits.
async fn whole_id(session: &Session, collaboration: &str, id: &str) -> Result<String, Failure> {
    let all = activation::deliveries(session, collaboration).await?;
    let mut fitting = all.into_iter().filter(|one| one.id.starts_with(id));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one.id),
        (None, _) => Err(Failure::usage(format!("there is no delivery {id}"))
            .next("`tamis delivery show` lists them.")),
        (Some(_), Some(_)) => Err(
            Failure::usage(format!("several deliveries begin with {id}"))
                .next("Give more digits of the id."),
        ),
    }
}

/// Show deliveries, newest first; exit code 1 if one has failed
#[derive(Args)]
#[command(after_help = "Example:\n  tamis delivery show --wait")]
pub(super) struct Show {
    /// One delivery, by the first digits of its id [default: all of the collaboration]
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
        let (session, collaboration) = show.at.open(&BOTH_SIDES).await?;
        let only = match &show.id {
            Some(id) => Some(whole_id(&session, &collaboration.id, id).await?),
            None => None,
        };
        let only = only.as_deref();
        let views: Vec<DeliveryView> = if show.wait {
            let waiting = screen.spinner("delivering");
            let patience = Duration::from_secs(show.patience);
            let said = |open: usize, all: usize| {
                waiting.set_message(format!("delivered {} of {all}", all - open));
            };
            let waited =
                activation::wait_delivered(&session, &collaboration.id, only, patience, &said);
            let waited = waited.await;
            waiting.finish_and_clear();
            waited?
        } else if let Some(id) = only {
            vec![session.client.get(&paths::delivery(id)).await?]
        } else {
            activation::deliveries(&session, &collaboration.id).await?
        };
        screen.answer(&serde_json::json!({ "items": views }), || {
            match (only, views.as_slice()) {
                (Some(_), [one]) => prose::delivery(one),
                _ => prose::deliveries(&views),
            }
        })?;
        let failed = views.iter().any(|view| view.state == DeliveryState::Failed);
        Ok(if failed { Exit::Refused } else { Exit::Done })
    }
}
