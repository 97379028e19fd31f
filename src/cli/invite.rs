//! `tamis invite`: a one-time invitation for a party.

use std::path::PathBuf;

use clap::Args;
use tamis_keys::home::write_private;
use tamis_protocols::wire::api::Role;

use super::operator::InviteOptions;
use super::{Exit, Failure, Screen, Wiring};

/// Invite a party: a file with a one-time token, to be handed over safely
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis invite maison --role advertiser --home /var/lib/tamis --out maison.json"
)]
pub(super) struct Invite {
    /// The party's name: [a-z][a-z0-9-]{1,31}
    name: String,
    /// advertiser, partner, destination or auditor
    #[arg(long, value_parser = role)]
    role: Role,
    /// The operator's home
    #[arg(long, value_name = "DIR")]
    home: PathBuf,
    /// The service's address as the party reaches it [default: from the configuration]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Write the invitation here, readable by you alone [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn role(word: &str) -> Result<Role, String> {
    Role::parse(word).ok_or_else(|| "one of advertiser, partner, destination, auditor".to_owned())
}

impl Invite {
    pub(super) fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let invitation = wiring.operator.invite(&InviteOptions {
            home: self.home,
            name: self.name,
            role: self.role,
            url: self.url,
        })?;
        let text = serde_json::to_string_pretty(&invitation).map_err(|error| {
            Failure::service(format!("the invitation cannot be written: {error}"))
        })?;
        let Some(out) = self.out else {
            screen.answer(&invitation, || text)?;
            return Ok(Exit::Done);
        };
        write_private(&out, text.as_bytes())
            .map_err(|error| Failure::usage(format!("{}: {error}", out.display())))?;
        let answer = serde_json::json!({
            "name": invitation.name, "role": invitation.role, "url": invitation.url, "file": out,
        });
        screen.answer(&answer, || {
            format!(
                "Invitation for {} ({}) in {}, good once.\nNext: hand it over safely; they run: tamis enrol --invitation FILE{}",
                invitation.name,
                invitation.role.as_str(),
                out.display(),
                match invitation.role {
                    Role::Destination => " --endpoint URL",
                    _ => "",
                }
            )
        })?;
        Ok(Exit::Done)
    }
}
