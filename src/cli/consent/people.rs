//! The people that a command is about: a file of identifiers, of which only tokens leave the machine.

use std::path::PathBuf;

use clap::Args;
use tamis_protocols::token::Token;
use tamis_protocols::wire::api::CollaborationView;

use crate::cli::Failure;
use crate::cli::party::{BOTH_SIDES, CollaborationArg};
use crate::party;
use crate::party::exchange::session::terms_of;
use crate::party::exchange::{Session, pairing};

/// Who it is about, and where.
#[derive(Args)]
pub(super) struct People {
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

impl People {
    /// Their tokens in the collaboration, at least one.
    pub(super) async fn tokens(&self) -> Result<(Session, CollaborationView, Vec<Token>), Failure> {
        let (session, collaboration) = self.at.open(&BOTH_SIDES).await?;
        let paired = pairing::finish(&session, &collaboration)?;
        let terms = terms_of(&collaboration)?;
        let tokens = party::withdrawal_tokens(&party::WithdrawalOptions {
            file: &self.file,
            map: self.map.as_deref(),
            region: self.region.as_deref(),
            terms: &terms,
            pair_key: &pairing::pair_key(&paired, &collaboration.id, &terms),
        })
        .map_err(|error| Failure::usage(error.to_string()))?;
        match tokens.is_empty() {
            true => Err(Failure::usage("the file holds no usable identifier").next(
                "Is --region right? Are the columns named email, phone, …, or in --map FILE?",
            )),
            false => Ok((session, collaboration, tokens)),
        }
    }
}
