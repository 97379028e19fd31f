//! `tamis sink`: a reference destination.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::party::HomeArg;
use super::{Exit, Failure, Screen, Wiring};
use crate::delivery::sink::{self, SinkOptions};

/// Receive deliveries as a destination: verify, open labels, keep the members
#[derive(Args)]
#[command(after_help = "Example:\n  tamis sink --listen 127.0.0.1:9443 --out members")]
pub(super) struct Sink {
    /// Where to listen; port 0 lets the system choose
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// Where members.csv is kept
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write the address to this file once deliveries can arrive
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    #[command(flatten)]
    home: HomeArg,
}

impl Sink {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session()?;
        let options = SinkOptions::from_home(
            &session.home,
            session.membership.name,
            self.listen,
            &self.out,
            wiring.clock.clone(),
        )
        .map_err(|error| {
            Failure::usage(error.to_string()).next(
                "Enrol as a destination first, with --self-signed: that leaves what a sink needs.",
            )
        })?;
        let sink = sink::Sink::bind(options).await.map_err(failed)?;
        let address = sink.address();
        screen.note(format!(
            "receiving on https://{address}, members in {}",
            self.out.display()
        ));
        if let Some(file) = &self.ready_file {
            write_public(file, format!("{address}\n").as_bytes())
                .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
        }
        let summary = sink.serve(super::asked_to_end()?).await.map_err(failed)?;
        let answer = json!({
            "applied": summary.applied, "repeated": summary.repeated,
            "unreadable": summary.unreadable, "members": summary.members,
        });
        screen.answer(&answer, || {
            format!(
                "{} messages applied, {} repeated, {} sealed members unreadable, {} members held",
                summary.applied, summary.repeated, summary.unreadable, summary.members
            )
        })?;
        Ok(Exit::Done)
    }
}

fn failed(error: sink::SinkError) -> Failure {
    Failure::service(error.to_string())
}

/// Writes a file that others wait for: whole, or not there.
fn write_public(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension("part");
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path)
}
