//! `tamis log verify`: the whole log proved from a directory of files and one public key, without a network.

use std::path::{Path, PathBuf};

use clap::Args;
use tamis_protocols::transparency;

use crate::cli::{Exit, Failure, Screen, prose};
use crate::party::exchange::log::Directory;

/// Verify a fetched log offline: signature, every tile, every rule; exit code 1 if anything is wrong
#[derive(Args)]
#[command(after_help = "Example:\n  tamis log verify log --key log-key.txt")]
pub(in crate::cli) struct Verify {
    /// The directory that `tamis log fetch` filled
    directory: PathBuf,
    /// The log's verifier key, in a file you got from somebody you trust [default: DIRECTORY/key]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl Verify {
    pub(super) fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        if !self.directory.join("checkpoint").is_file() {
            return Err(Failure::usage(format!(
                "{} holds no checkpoint",
                self.directory.display()
            ))
            .next("Fetch the log first: tamis log fetch --out DIR"));
        }
        let key_file = self.key.unwrap_or_else(|| self.directory.join("key"));
        let key =
            std::fs::read_to_string(&key_file).map_err(|error| unreadable(&key_file, &error))?;
        let summary = transparency::verify(&Directory::new(&self.directory), key.trim())
            .map_err(|violation| {
                Failure::refused(format!("the log does not verify: {violation}")).next(
                    "Fetch it again into an empty directory; if that fails too, the operator owes you an explanation.",
                )
            })?;
        let document = serde_json::json!({"verified": true, "summary": summary});
        screen.answer(&document, || {
            format!(
                "Verified: {} leaves, signature, every tile and every rule.",
                prose::thousands(summary.leaves)
            )
        })?;
        Ok(Exit::Done)
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{}: {error}", path.display()))
}
