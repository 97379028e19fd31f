//! `tamis log verify`: the whole log proved from a directory of files and one public key, without a network.

use std::path::PathBuf;

use clap::Args;
use tamis_protocols::audit::archive::Limits;
use tamis_verify::{Ask, Failure as Unproven, prove};

use crate::cli::{Exit, Failure, Screen, prose};

/// Verify a fetched log or an evidence pack offline: signature, every tile, every rule; exit code 1 if anything is wrong
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis log verify log --key log-key.txt\n\n`tamis-verify` does the same, and is small enough to be read."
)]
pub(in crate::cli) struct Verify {
    /// The directory that `tamis log fetch` filled, or the pack that `tamis audit pack` wrote
    directory: PathBuf,
    /// The log's verifier key, in a file you got from somebody you trust [default: DIRECTORY/key]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A checkpoint that you kept: the log must continue it; may be given again
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// A witness's verifier key: it must have cosigned; may be given again
    #[arg(long, value_name = "FILE")]
    witness: Vec<PathBuf>,
}

impl Verify {
    pub(super) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let ask = Ask {
            place: self.directory,
            key: self.key,
            earlier: self.checkpoint,
            witnesses: self.witness,
            limits: Limits::default(),
        };
        let proof = prove(&ask).map_err(|error| match error {
            Unproven::Usage { .. } => Failure::usage(error.to_string())
                .next("Fetch the log first: tamis log fetch --out DIR"),
            violation => Failure::refused(format!("the log does not verify: {violation}")).next(
                "Fetch it again into an empty directory; if that fails too, the operator owes you an explanation.",
            ),
        })?;
        let report = &proof.report;
        let document = serde_json::json!({
            "verified": true, "summary": report.log, "report": report, "own_key": proof.own_key,
        });
        screen.answer(&document, || {
            let mut text = format!(
                "Verified: {} leaves, signature, every tile and every rule.\n",
                prose::thousands(report.log.leaves)
            );
            for line in &report.not_checked {
                text += &format!("Not checked: {line}.\n");
            }
            text
        })?;
        Ok(Exit::Done)
    }
}
