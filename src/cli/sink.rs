//! `tamis sink`: a reference destination.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tamis_protocols::wire::api::Role;

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
    /// Write the first message as it arrived, headers.json and body, to this directory
    #[arg(long, value_name = "DIR")]
    capture: Option<PathBuf>,
    #[command(flatten)]
    home: HomeArg,
}

impl Sink {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session_as(&[Role::Destination])?;
        let mut options = SinkOptions::from_home(
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
        options.ready_file = self.ready_file;
        options.capture = self.capture;
        let ended = super::asked_to_end()?;
        let sink = sink::Sink::bind(options).await.map_err(failed)?;
        let address = sink.address();
        screen.note(format!(
            "receiving on https://{address}, members in {}",
            self.out.display()
        ));
        let summary = sink.serve(ended).await.map_err(failed)?;
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
