//! `tamis match`: how many of the advertiser's customers the partner knows, released.

use clap::Args;

use super::party::{CollaborationArg, explain_nothing_to_match};
use super::{Exit, Failure, Screen, budget, jobs, prose};
use crate::party::exchange::activation;
use tamis_protocols::wire::api::{JobView, ReleasedCount, Role};

/// The match rates that advertisers see with a partner's pool, for context.
const USUAL: &str = "25–50 %";

/// Match the newest uploads of both sides
#[derive(Args)]
#[command(after_help = "Example:\n  tamis match")]
pub(super) struct Match {
    #[command(flatten)]
    at: CollaborationArg,
}

impl Match {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let (session, collaboration) = self.at.open(&[Role::Advertiser]).await?;
        let waiting = screen.spinner("matching");
        let look = |job: &JobView| waiting.set_message(format!("matching  {}", jobs::words(job)));
        let matched = activation::run_match(&session, &collaboration.id, &look).await;
        waiting.finish_and_clear();
        let view = match matched {
            Ok(view) => view,
            Err(error) => {
                return Err(explain_nothing_to_match(&session, &collaboration, error).await);
            }
        };
        let coverage = activation::coverage(&session, &collaboration.id).await?;
        let left = activation::budget(&session, &collaboration.id).await?;
        screen.answer(&view, || {
            let rate = view
                .rate
                .map(|rate| {
                    format!(
                        ", {} of the rows that take part\n  usual is {USUAL}",
                        prose::rate(rate)
                    )
                })
                .unwrap_or_default();
            let cookies = match coverage.at {
                Some(_) => format!(
                    "  persons of {} with a live cookie\n{}",
                    collaboration.partner.name,
                    prose::coverage(&coverage).replace("  ", "    ")
                ),
                None => String::new(),
            };
            format!(
                "Match {}\n  matched persons: {}{rate}\n{cookies}{}Next: tamis audience create NAME --where EXPR --to DESTINATION",
                view.id,
                prose::size(view.matched.as_ref()),
                budget::left(&left)
            )
        })?;
        Ok(match view.matched {
            Some(ReleasedCount::BelowMinimum) => Exit::Refused,
            _ => Exit::Done,
        })
    }
}
