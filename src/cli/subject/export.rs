//! `tamis subject export`: an access request, answered.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use tamis_protocols::ddrf::{Format, Kind, Subject};

use crate::cli::party::{BOTH_SIDES, HomeArg};
use crate::cli::{Exit, Failure, Screen, Wiring, prose};
use crate::party::dsr::{DsrError, Inbox};
use crate::party::exchange::subjects::{NOT_SAID, Part, export};
use crate::party::people;

/// Everything that you and the service keep about one person on your side, in every collaboration
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis subject export --email ana@example.org --out ana.json\n\nNever in it: whether the other side knows the person. That is kept by nobody."
)]
pub(in crate::cli) struct Export {
    /// CSV or Parquet with the person's e-mail addresses and phone numbers
    #[arg(required_unless_present_any = ["email", "phone"])]
    file: Option<PathBuf>,
    /// An e-mail address of the person; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    email: Vec<String>,
    /// A phone number of the person; may be given several times
    #[arg(long, value_name = "NUMBER")]
    phone: Vec<String>,
    /// Region of phone numbers without a country code, e.g. FR
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Write the JSON document here [default: a summary on stdout, or the document with --json]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    home: HomeArg,
}

impl Export {
    pub(super) async fn run(self, wiring: &Wiring, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session_as(&BOTH_SIDES)?;
        let person = self.person()?;
        let (region, now) = (self.region.as_deref(), wiring.clock.now());
        let waiting = screen.spinner("asking");
        let mut parts = Vec::new();
        for collaboration in session.collaborations().await? {
            parts.extend(export(&session, &collaboration, &person, region, now).await?);
        }
        waiting.finish_and_clear();
        // Of this machine: requests of other companies that name the person and wait to be sent on.
        let failed = |error: DsrError| Failure::usage(error.to_string());
        let inbox = Inbox::open(&session.path).map_err(failed)?;
        let waiting = inbox.about(&person).map_err(failed)?;
        let document = json!({
            "party": session.membership.name, "collaborations": parts,
            "deletion_requests_waiting": waiting, "not_said": NOT_SAID,
        });
        if let Some(out) = &self.out {
            let text = format!("{document:#}\n");
            std::fs::write(out, text)
                .map_err(|error| Failure::usage(format!("{}: {error}", out.display())))?;
        }
        screen.answer(&document, || {
            let mut text = format!("What {} keeps of this person\n", session.membership.name);
            for part in &parts {
                text += &readable(part);
            }
            if parts.is_empty() {
                text += "nothing: no collaboration has identifiers of these types\n";
            }
            if waiting > 0 {
                text += &format!("deletion requests on their way: {waiting}\n");
            }
            text += NOT_SAID;
            if let Some(out) = &self.out {
                text += &format!("\nWritten to {}", out.display());
            }
            text
        })?;
        Ok(Exit::Done)
    }

    fn person(&self) -> Result<Vec<Subject>, Failure> {
        let plain = |kind: Kind, value: &String| Subject {
            value: value.clone(),
            kind: kind.as_str().to_owned(),
            format: Format::Plain.as_str().to_owned(),
        };
        let emails = self.email.iter().map(|value| plain(Kind::Email, value));
        let phones = self.phone.iter().map(|value| plain(Kind::Phone, value));
        let mut person: Vec<Subject> = emails.chain(phones).collect();
        if let Some(file) = &self.file {
            let found = people(file, None, self.region.as_deref())
                .map_err(|error| Failure::usage(error.to_string()))?;
            person.extend(found.into_iter().map(|(_, subject)| subject));
        }
        match person.is_empty() {
            false => Ok(person),
            true => Err(Failure::usage("there is no usable identifier")
                .next("Is --region right? Are the columns named email or phone?")),
        }
    }
}

fn readable(part: &Part) -> String {
    let mut text = format!(
        "collaboration {} of {} and {}\n",
        part.kept.collaboration, part.advertiser, part.partner
    );
    let count = |number: usize| prose::thousands(number as u64);
    text += &format!("  rows sent: {}\n", count(part.kept.rows.len()));
    for row in &part.kept.rows {
        text += &format!("    row {} of upload {}", row.row, row.upload);
        if let Some(day) = &row.valid_until {
            text += &format!(", consent to {day}");
        }
        for (what, list) in [("segments", &row.segments), ("cookies at", &row.cookies_at)] {
            if !list.is_empty() {
                text += &format!(", {what} {}", list.join(", "));
            }
        }
        text.push('\n');
    }
    for request in &part.kept.requests {
        let kind = request.kind.as_str();
        text += &format!("  {kind} {} in effect since {}\n", request.id, request.at);
    }
    for audience in &part.kept.audiences {
        text += &format!(
            "  fits audience {}: {}\n",
            audience.name, audience.expression
        );
    }
    let proven = count(part.records.len());
    text += &format!("  consent records, each proven down to the signed log: {proven}\n");
    text
}
