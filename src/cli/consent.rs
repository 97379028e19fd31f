//! `tamis consent …`: people who withdrew, as a file of their identifiers, and proof of consent.

mod decode;
mod prove;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::party::{BOTH_SIDES, CollaborationArg};
use super::{Exit, Failure, Screen, Wiring, prose};
use crate::party;
use crate::party::exchange::session::terms_of;
use crate::party::exchange::{activation, pairing};

/// Act on what people decide about their data
#[derive(Subcommand)]
pub(super) enum Consent {
    Withdraw(Withdraw),
    Decode(decode::Decode),
    Prove(prove::Prove),
}

/// Withdraw people from everything: their identifiers are made tokens here, only tokens are sent
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis consent withdraw withdrawn.csv --region FR\n\nThe file has the identifier columns of an upload (email, phone, …), one person per row."
)]
pub(super) struct Withdraw {
    /// CSV or Parquet with identifier columns
    file: PathBuf,
    /// Column names, when they are not the usual ones
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Region of phone numbers without a country code, e.g. FR
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    #[command(flatten)]
    at: CollaborationArg,
}

impl Consent {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let withdraw = match self {
            Consent::Withdraw(withdraw) => withdraw,
            Consent::Decode(decode) => return decode.run(wiring, screen),
            Consent::Prove(prove) => return prove.run(screen).await,
        };
        let (session, collaboration) = withdraw.at.open(&BOTH_SIDES).await?;
        let paired = pairing::finish(&session, &collaboration)?;
        let terms = terms_of(&collaboration)?;
        let tokens = party::withdrawal_tokens(&party::WithdrawalOptions {
            file: &withdraw.file,
            map: withdraw.map.as_deref(),
            region: withdraw.region.as_deref(),
            terms: &terms,
            pair_key: &pairing::pair_key(&paired, &collaboration.id, &terms),
        })
        .map_err(|error| Failure::usage(error.to_string()))?;
        if tokens.is_empty() {
            return Err(Failure::usage("the file holds no usable identifier").next(
                "Is --region right? Are the columns named email, phone, …, or in --map FILE?",
            ));
        }
        let waiting = screen.spinner("withdrawing");
        let views = activation::withdraw(&session, &collaboration.id, &tokens).await?;
        waiting.finish_and_clear();
        screen.answer(&serde_json::json!({ "items": views }), || {
            let mut text = format!(
                "Withdrawn: {} tokens, effective at once.\n",
                prose::thousands(views.iter().map(|view| view.tokens).sum())
            );
            for (destination, state) in views.iter().flat_map(|view| &view.destinations) {
                text += &format!(
                    "  {destination}: removal {}\n",
                    prose::delivery_state(*state)
                );
            }
            text + "Next: tamis delivery show --wait"
        })?;
        Ok(Exit::Done)
    }
}
