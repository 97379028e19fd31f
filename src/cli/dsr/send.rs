//! `tamis dsr send`: asks other companies to delete people.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tamis_protocols::ddrf::ResultCode;

use crate::cli::party::HomeArg;
use crate::cli::prose::thousands;
use crate::cli::{Exit, Failure, Screen, Wiring};
use crate::party::dsr::{Outbox, Peer, Peers, Sending, signer};
use crate::party::people;

/// Ask other companies to delete people: their identifiers go as SHA-256, the answers are verified and kept
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis dsr send deleted.csv --to vendor.example --domain maison.example --region FR\n\nExit code 1 if a company refused one."
)]
pub(in crate::cli) struct Send {
    /// CSV or Parquet with e-mail or phone columns, one person per row
    file: PathBuf,
    /// A company to ask: DOMAIN, or DOMAIN=https://HOST; once for each
    #[arg(long = "to", value_name = "PEER", required = true)]
    to: Vec<Peer>,
    /// Your own domain, where `tamis dsr serve` publishes your key
    #[arg(long, value_name = "DOMAIN")]
    domain: String,
    /// The only authorities to trust for them, PEM [default: the public ones]
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// Column names, when they are not the usual ones
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Region of phone numbers without a country code, e.g. FR
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    #[command(flatten)]
    home: HomeArg,
}

impl Send {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session()?;
        let people = people(&self.file, self.map.as_deref(), self.region.as_deref())
            .map_err(|error| Failure::usage(error.to_string()))?;
        if people.is_empty() {
            return Err(
                Failure::usage("the file holds no usable e-mail address or phone number").next(
                    "Is --region right? Are the columns named email, phone, or in --map FILE?",
                ),
            );
        }
        let authorities = super::pem(self.authorities.as_deref())?;
        let recipients: Vec<String> = self.to.iter().map(|peer| peer.domain.clone()).collect();
        let sending = Sending {
            signer: signer(&session.home, &self.domain, &*wiring.entropy).map_err(super::failed)?,
            peers: Peers::new(self.to, authorities.as_deref()).map_err(super::failed)?,
            now: super::clock(wiring),
            entropy: wiring.entropy.clone(),
        };
        let outbox = Outbox::open(&session.path).map_err(super::failed)?;
        sending.look(&recipients).await.map_err(super::failed)?;
        let bar = screen.steps("asking");
        bar.set_length(people.len() as u64);
        let mut sent = Vec::new();
        for one in &people {
            let answered = sending.send(&outbox, &recipients, one).await;
            sent.extend(answered.map_err(|error| {
                super::failed(error).next(
                    "What was answered is kept. Run the command again: asking twice does no harm.",
                )
            })?);
            bar.inc(1);
        }
        bar.finish_and_clear();
        let refused = sent.iter().any(|one| one.code != ResultCode::Accepted);
        let answer = json!({ "items": sent, "kept": outbox.place() });
        screen.answer(&answer, || {
            let mut by: BTreeMap<(&str, ResultCode, Option<&str>), u64> = BTreeMap::new();
            for one in &sent {
                let key = (one.recipient.as_str(), one.code, one.why.as_deref());
                *by.entry(key).or_default() += 1;
            }
            let lines = by.into_iter().map(|((who, code, why), count)| match code {
                ResultCode::Accepted => format!("  {who}: {} taken\n", thousands(count)),
                code => format!(
                    "  {who}: {} refused, code {}: {}\n",
                    thousands(count),
                    code.number(),
                    why.unwrap_or("no reason given")
                ),
            });
            let lines: String = lines.collect();
            format!(
                "Asked:\n{lines}Answers, which prove it: {}",
                outbox.place().display()
            )
        })?;
        Ok(if refused { Exit::Refused } else { Exit::Done })
    }
}
