//! `tamis consent show`: one request, to the end of it.

use std::time::Duration;

use clap::Args;
use tamis_protocols::wire::api::RequestState;

use super::wording;
use crate::cli::party::{BOTH_SIDES, CollaborationArg};
use crate::cli::{Exit, Failure, Screen};
use crate::party::exchange::{Session, requests};

/// Show one request and how far every destination is; exit code 1 if somebody has to look
#[derive(Args)]
#[command(after_help = "Example:\n  tamis consent show 3f2a9c10 --wait")]
pub(in crate::cli) struct Show {
    /// The request, by the first digits of its id
    id: String,
    /// Wait until it is complete, as far as it can be: what only expires is not waited for
    #[arg(long)]
    wait: bool,
    /// Wait at most this long, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600, requires = "wait")]
    patience: u64,
    #[command(flatten)]
    at: CollaborationArg,
}

impl Show {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let (session, collaboration) = self.at.open(&BOTH_SIDES).await?;
        let id = whole_id(&session, &collaboration.id, &self.id).await?;
        let view = if self.wait {
            let waiting = screen.spinner("waiting for the destinations");
            let patience = Duration::from_secs(self.patience);
            let waited = requests::wait(&session, &id, patience).await;
            waiting.finish_and_clear();
            waited?
        } else {
            requests::show(&session, &id).await?
        };
        screen.answer(&view, || wording::request(&view))?;
        Ok(match view.state {
            RequestState::Stuck => Exit::Refused,
            RequestState::Open | RequestState::Complete => Exit::Done,
        })
    }
}

/// The id that begins so: tables show the first eight digits.
async fn whole_id(session: &Session, collaboration: &str, id: &str) -> Result<String, Failure> {
    let all = requests::list(session, collaboration).await?;
    let mut fitting = all.into_iter().filter(|one| one.id.starts_with(id));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one.id),
        (None, _) => Err(Failure::usage(format!("there is no request {id}"))
            .next("`tamis consent requests` lists yours.")),
        (Some(_), Some(_)) => Err(Failure::usage(format!("several requests begin with {id}"))
            .next("Give more digits of the id.")),
    }
}
