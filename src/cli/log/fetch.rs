//! `tamis log fetch`: the log as a directory of files.

use std::path::PathBuf;

use clap::Args;
use tamis_protocols::wire::api::Role;

use crate::cli::party::HomeArg;
use crate::cli::{Exit, Failure, Screen, prose};
use crate::party::exchange::log;

/// Fetch the log (auditors): checkpoint, tiles, and the log key from your invitation
#[derive(Args)]
#[command(after_help = "Example:\n  tamis log fetch --out log && tamis log verify log")]
pub(in crate::cli) struct Fetch {
    /// The directory to bring up to date
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    home: HomeArg,
}

impl Fetch {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session_as(&[Role::Auditor])?;
        let waiting = screen.spinner("fetching the log");
        let fetched = log::fetch(&session.client, &self.out, &session.membership.log_key).await?;
        waiting.finish_and_clear();
        let out = self.out.display();
        screen.answer(&fetched, || {
            format!(
                "{} leaves in {out}, {} files new\nNext, offline: tamis log verify {out}",
                prose::thousands(fetched.leaves),
                prose::thousands(fetched.files)
            )
        })?;
        Ok(Exit::Done)
    }
}
