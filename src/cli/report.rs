//! `tamis report`: everything the service shows this party, in one document.

use std::path::PathBuf;

use clap::Args;
use tamis_protocols::wire::api::Role;

use super::party::{BOTH_SIDES, CollaborationArg};
use super::{Exit, Failure, Screen, prose};
use crate::party::exchange::activation;

/// Everything the service shows you about a collaboration, in one document
#[derive(Args)]
#[command(after_help = "Example:\n  tamis report --out report.json")]
pub(super) struct Report {
    /// Write the JSON document here [default: a summary on stdout, or the document with --json]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    at: CollaborationArg,
}

impl Report {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let (session, collaboration) = self.at.open(&BOTH_SIDES).await?;
        let waiting = screen.spinner("asking");
        let report = activation::report(&session, collaboration).await?;
        waiting.finish_and_clear();
        if let Some(out) = &self.out {
            let mut text = serde_json::to_vec_pretty(&report).map_err(|error| {
                Failure::service(format!("the report cannot be written: {error}"))
            })?;
            text.push(b'\n');
            std::fs::write(out, text)
                .map_err(|error| Failure::usage(format!("{}: {error}", out.display())))?;
        }
        screen.answer(&report, || {
            let mut text = format!(
                "{} in collaboration {}\n",
                report.party, report.collaboration.id
            );
            let sealed = report.uploads.iter();
            for upload in sealed.filter(|upload| upload.report.is_some()) {
                text += &format!("upload: {}", prose::upload_report(upload));
            }
            for found in &report.matches {
                text += &format!("matched persons: {}\n", prose::size(found.matched.as_ref()));
            }
            text += &format!(
                "budget: ε {} left of {}\n",
                prose::epsilon(report.budget.pair.left.into()),
                prose::epsilon(report.budget.pair.cap.into())
            );
            if report.coverage.at.is_some() {
                text += "the partner's persons with a live cookie\n";
                text += &prose::coverage(&report.coverage);
            }
            text += &match session.membership.role {
                Role::Advertiser => prose::audiences(&report.audiences),
                _ => prose::deliveries(&report.deliveries),
            };
            if let Some(out) = &self.out {
                text += &format!("\nWritten to {}", out.display());
            }
            text
        })?;
        Ok(Exit::Done)
    }
}
