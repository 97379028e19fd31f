//! `tamis consent withdraw`, `oppose` and `erase`: a file of people, of which only tokens are sent.

use std::path::PathBuf;

use clap::Args;
use tamis_protocols::wire::api::RequestKind;

use super::wording;
use crate::cli::party::{BOTH_SIDES, CollaborationArg};
use crate::cli::{Exit, Failure, Screen, prose};
use crate::party;
use crate::party::exchange::session::terms_of;
use crate::party::exchange::{pairing, requests};

/// Who it is about, and where.
#[derive(Args)]
struct People {
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

/// Withdraw people from everything: their identifiers are made tokens here, only tokens are sent
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis consent withdraw withdrawn.csv --region FR\n\nThe file has the identifier columns of an upload (email, phone, …), one person per row."
)]
pub(in crate::cli) struct Withdraw {
    #[command(flatten)]
    people: People,
}

/// Note that people object to a use that rests on legitimate interest; takes them out like a withdrawal
#[derive(Args)]
#[command(after_help = "Example:\n  tamis consent oppose opposed.csv --region FR")]
pub(in crate::cli) struct Oppose {
    #[command(flatten)]
    people: People,
}

/// Erase people: out of everything at once, then the rows of your own sets are destroyed
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis consent erase erased.csv --region FR\n\nWhat stays is the sealed list of their tokens: to keep somebody out one must remember whom.\nDo not upload these people again; `tamis consent show ID --wait` says when it is done."
)]
pub(in crate::cli) struct Erase {
    #[command(flatten)]
    people: People,
}

impl Withdraw {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        self.people.send(RequestKind::Withdrawal, screen).await
    }
}

impl Oppose {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        self.people.send(RequestKind::Opposition, screen).await
    }
}

impl Erase {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        self.people.send(RequestKind::Erasure, screen).await
    }
}

impl People {
    async fn send(self, kind: RequestKind, screen: &Screen) -> Result<Exit, Failure> {
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
        if tokens.is_empty() {
            return Err(Failure::usage("the file holds no usable identifier").next(
                "Is --region right? Are the columns named email, phone, …, or in --map FILE?",
            ));
        }
        let waiting = screen.spinner(match kind {
            RequestKind::Withdrawal => "withdrawing",
            RequestKind::Opposition => "opposing",
            RequestKind::Erasure => "erasing",
        });
        let views = requests::send(&session, &collaboration.id, kind, &tokens).await?;
        waiting.finish_and_clear();
        screen.answer(&serde_json::json!({ "items": views }), || {
            let sent = prose::thousands(views.iter().map(|view| view.tokens).sum());
            let done = wording::done(kind);
            let mut text = format!("{done}: {sent} tokens, effective at once.\n");
            let mut next = String::new();
            for view in &views {
                text += &wording::removals(view);
                let id = view.id.get(..8).unwrap_or(&view.id);
                next += &format!("\nNext: tamis consent show {id} --wait");
            }
            text.trim_end().to_owned() + &next
        })?;
        Ok(Exit::Done)
    }
}
