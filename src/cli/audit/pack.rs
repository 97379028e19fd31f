//! `tamis audit pack`: everything that can be proven of a service, as one file.

use std::path::PathBuf;

use clap::Args;
use tamis_protocols::wire::api::Role;

use crate::cli::party::HomeArg;
use crate::cli::{Exit, Failure, Screen, prose};
use crate::party::exchange::audit::{self, PackError, Packing};

/// Write the evidence pack (auditors): log, documents, samples and a summary, proven before it is written
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis audit pack --out evidence.tar.zst --checkpoint kept-in-june\n  tamis-verify evidence.tar.zst --key log-key.txt"
)]
pub(in crate::cli) struct Pack {
    /// The file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// A checkpoint that you kept, to be packed as well; may be given again
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Leave out samples that the parties have not substantiated yet
    #[arg(long)]
    without_open: bool,
    #[command(flatten)]
    home: HomeArg,
}

impl Pack {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session_as(&[Role::Auditor])?;
        let kept = self.checkpoint.iter().map(|file| {
            std::fs::read(file)
                .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))
        });
        let kept = kept.collect::<Result<_, Failure>>()?;
        let scratch = tempfile::tempdir()
            .map_err(|error| Failure::usage(format!("no room for a pack: {error}")))?;
        let packing = Packing {
            kept,
            without_open: self.without_open,
            scratch: scratch.path(),
        };
        let waiting = screen.spinner("fetching and proving the evidence");
        let report = audit::pack(&session, packing, &self.out)
            .await
            .map_err(refused)?;
        waiting.finish_and_clear();
        let out = self.out.display();
        let document = serde_json::json!({"out": out.to_string(), "report": report});
        screen.answer(&document, || {
            let checked: String = report.checked.iter().map(|line| format!("  + {line}\n")).collect();
            format!(
                "{out}: {} leaves, proven here:\n{checked}Next, anywhere and offline: tamis-verify {out} --key FILE",
                prose::thousands(report.log.leaves)
            )
        })?;
        Ok(Exit::Done)
    }
}

fn refused(error: PackError) -> Failure {
    match error {
        PackError::Exchange(error) => error.into(),
        PackError::Io(_) => Failure::usage(error.to_string()),
        PackError::Violation(_) => Failure::refused(error.to_string()).next(
            "No pack was written. If a sample is not substantiated, ask its parties (`tamis audit samples`) or give \
             --without-open; for everything else the operator owes you an explanation.",
        ),
    }
}
