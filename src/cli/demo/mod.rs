//! `tamis demo`: the whole of Tamis on one machine, played by real processes.
//!
//! Flow: an operator, an advertiser (`maison`), a partner (`graphe`), two destinations (`dsp-a`, `dmp-b`)
//! and an auditor, each with its own home and certificate, run this very program against one service over
//! TLS on loopback. The demo types their commands, reads their answers and checks that every promise
//! holds; it shares nothing with them but their files. It alone sees every side, and keeps nothing of it
//! beyond `--out`.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;

use super::{Exit, Failure, Screen, Wiring, collaboration};
use tamis_protocols::identifier::IdentifierType;

mod acts;
mod cast;
mod children;
mod customer;
mod ending;
mod input;
mod measure;
mod members;
mod play;
mod reading;
mod stage;
mod story;

use play::Play;

/// Watch all of Tamis happen on this machine: agree, upload, match, activate, withdraw, prove
#[derive(Args)]
#[command(after_help = "Examples:
  tamis demo
  tamis demo --crm crm.csv --graph graph.csv --region FR --out trial
  tamis demo --rows 1000000 --json > summary.json")]
pub(super) struct Demo {
    /// The advertiser's file [default: the bundled example]
    #[arg(long, value_name = "FILE", requires = "graph", conflicts_with = "rows")]
    crm: Option<PathBuf>,
    /// The partner's file [default: the bundled example]
    #[arg(long, value_name = "FILE", requires = "crm")]
    graph: Option<PathBuf>,
    /// Region of phone numbers without a country code
    #[arg(long, value_name = "REGION", default_value = "AU")]
    region: String,
    /// Identifier types that take part: email, phone, postal
    #[arg(long, value_delimiter = ',', default_value = "email,phone", value_parser = collaboration::identifier)]
    keys: Vec<IdentifierType>,
    /// Make a synthetic population of N rows on each side instead
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    rows: Option<u64>,
    /// Seed of the synthetic population
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Judge consent on this day [default: today for your files, 2026-11-22 for the bundled ones]
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
    /// Where the results go; made anew each time
    #[arg(long, value_name = "DIR", default_value = "demo-out")]
    out: PathBuf,
    /// Leave everything running at the end, until ctrl-c
    #[arg(long)]
    serve: bool,
}

impl Demo {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let serve = self.serve;
        let mut play = Play::open(self, wiring, screen)?;
        acts::perform(&mut play).await?;
        ending::close(&mut play, screen, serve)?;
        if serve {
            // Ends with ctrl-c, which drops the children.
            std::future::pending::<()>().await;
        }
        Ok(Exit::Done)
    }
}
