//! `tamis consent withdraw`, `oppose` and `erase`: a file of people, of which only tokens are sent.

use clap::Args;
use tamis_protocols::wire::api::RequestKind;

use super::people::People;
use super::wording;
use crate::cli::{Exit, Failure, Screen, prose};
use crate::party::exchange::requests;

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
        let (session, collaboration, tokens) = self.tokens().await?;
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
