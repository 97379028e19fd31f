//! `tamis consent prove`: own consent records of people, each proven down to the log's signed checkpoint.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use tamis_protocols::consent::ConsentRecord;

use super::people::People;
use crate::cli::{Exit, Failure, Screen, prose};
use crate::party::exchange::records::{self, Evidence, Proven};

/// Prove what you hold of people's consent: their identifiers are made tokens here, every proof is checked here
#[derive(Args)]
#[command(
    after_help = "Example:\n  tamis consent prove person.csv --out proof.json\n\nThe file has the identifier columns of an upload (email, phone, …), one person per row. The proofs in --out need no service: they lead from each record to the signed checkpoint."
)]
pub(in crate::cli) struct Prove {
    #[command(flatten)]
    people: People,
    /// Where to write records and proofs as JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Prove {
    pub(in crate::cli) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let (session, collaboration, tokens) = self.people.tokens().await?;
        let waiting = screen.spinner("proving");
        let evidence = records::prove(&session, &collaboration.id, &tokens).await?;
        waiting.finish_and_clear();
        let document = document(&evidence);
        if let Some(out) = &self.out {
            let text = serde_json::to_string_pretty(&document).unwrap_or_default();
            std::fs::write(out, text + "\n")
                .map_err(|error| Failure::usage(format!("{}: {error}", out.display())))?;
        }
        screen.answer(&document, || text(&evidence, self.out.as_ref()))?;
        Ok(Exit::Done)
    }
}

/// Everything that proves the records, and what they say.
fn document(evidence: &Evidence) -> Value {
    let mut document = json!(evidence);
    let shown = evidence.records.iter().map(|proven| {
        let mut one = json!(proven);
        one["record"] = proven.record.as_ref().map_or(Value::Null, says);
        one
    });
    document["records"] = Value::Array(shown.collect());
    document
}

/// What a record says, in the words of files; without what it does not say.
fn says(record: &ConsentRecord) -> Value {
    let more = record.details();
    let history = more.history.iter();
    let history: Vec<String> = history
        .map(|event| format!("{} {}", event.state.as_str(), event.at))
        .collect();
    let fields = [
        (
            "consent_basis",
            json!(record.basis.map(|basis| basis.as_str())),
        ),
        ("consent_purposes", json!(record.purposes.to_string())),
        ("consent_interests", json!(more.interests.to_string())),
        (
            "consent_at",
            json!(record.given_at.map(|at| at.to_string())),
        ),
        (
            "consent_valid_until",
            json!(more.valid_until.map(|at| at.to_string())),
        ),
        ("consent_history", json!(history.join("; "))),
        ("consent_id", json!(more.record_id)),
        ("notice_version", json!(record.notice_version)),
        ("notice_hash", json!(more.notice_hash.map(hex::encode))),
        ("consent_language", json!(more.language)),
        ("source", json!(record.source)),
        ("consent_journey", json!(more.journey)),
        ("consent_jurisdiction", json!(more.jurisdiction)),
        ("consent_recipients", json!(more.recipients)),
        ("opposed", json!(record.opposed)),
    ];
    let said = fields.into_iter();
    let said = said.filter(|(_, value)| !value.is_null() && *value != json!(""));
    Value::Object(said.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn text(evidence: &Evidence, out: Option<&PathBuf>) -> String {
    let count = evidence.records.len() as u64;
    if count == 0 {
        return "No consent record of these people is kept here.\n\
                Uploads sealed before records were kept have none."
            .to_owned();
    }
    let erased = evidence
        .records
        .iter()
        .filter(|one| one.record.is_none())
        .count() as u64;
    let mut lines = vec![format!(
        "Proven: {} of {}, each down to the log's signed checkpoint; {} erased.",
        number(count, "record"),
        number(evidence.uploads.len() as u64, "upload"),
        prose::thousands(erased)
    )];
    lines.extend(evidence.records.iter().take(20).map(line));
    if count > 20 {
        lines.push(format!("  … and {} more", prose::thousands(count - 20)));
    }
    lines.push(match out {
        Some(out) => format!("Written to {}.", out.display()),
        None => "Next: --out FILE keeps the proofs for whoever asks.".to_owned(),
    });
    lines.join("\n")
}

fn number(count: u64, of: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {of}{plural}", prose::thousands(count))
}

fn line(proven: &Proven) -> String {
    let upload = proven.proof.upload.get(..8).unwrap_or_default();
    let place = format!("  upload {upload} row {}", proven.proof.row);
    let Some(record) = &proven.record else {
        return format!("{place}: erased");
    };
    let basis = record.basis.map_or("no basis", |basis| basis.as_str());
    let at = record.given_at.map(|at| at.to_string());
    let opposed = if record.opposed { ", opposed" } else { "" };
    format!(
        "{place}: {basis}, purposes {}, {}{opposed}",
        record.purposes,
        at.unwrap_or_else(|| "no date".to_owned())
    )
}
