//! `tamis serve`: the service itself.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;

use super::operator::ServeOptions;
use super::{Exit, Failure, Screen, Wiring};

/// Run the service until it is asked to end (ctrl-c, SIGTERM)
#[derive(Args)]
#[command(after_help = "Example:\n  tamis serve --home /var/lib/tamis")]
pub(super) struct Serve {
    /// The operator's home
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
    /// Judge consent on this day instead of today (YYYY-MM-DD): for replays
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
    /// Listen here instead of where the configuration says
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Write the address to this file once requests are answered
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

impl Serve {
    pub(super) fn run(self, wiring: &Wiring, _screen: &Screen) -> Result<Exit, Failure> {
        wiring.operator.serve(&ServeOptions {
            home: self.home,
            as_of: self.as_of,
            listen: self.listen,
            ready_file: self.ready_file,
        })?;
        Ok(Exit::Done)
    }
}
