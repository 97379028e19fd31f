//! `tamis collaboration show`: terms, signatures and the fingerprint both sides compare.

use clap::Args;
use serde::Serialize;
use tamis_protocols::wire::api::{AgreedPolicyView, CollaborationState, CollaborationView};
use tamis_protocols::wire::terms::Terms;

use super::{consent, policy};
use crate::cli::party::{BOTH_SIDES, HomeArg};
use crate::cli::{Exit, Failure, Screen, prose};
use crate::party::exchange::policy::agreed;
use crate::party::exchange::{ExchangeError, Session, pairing};

/// Show a collaboration: its terms, who signed, and the fingerprint to compare
#[derive(Args)]
#[command(after_help = "Example:\n  tamis collaboration show --json")]
pub(in crate::cli) struct Show {
    /// The collaboration's id; without it, all of them
    id: Option<String>,
    #[command(flatten)]
    home: HomeArg,
}

/// A collaboration as its party sees it, checked.
#[derive(Serialize)]
struct Shown {
    id: String,
    state: CollaborationState,
    terms: Terms,
    /// What holds, and who said so; every signature checked.
    policy: AgreedPolicyView,
    /// Absent until both sides have signed.
    fingerprint: Option<String>,
}

impl Show {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session_as(&BOTH_SIDES)?;
        if let Some(id) = &self.id {
            let view = session
                .collaboration(Some(id), CollaborationState::Active)
                .await?;
            answer(screen, &session, &view).await?;
            return Ok(Exit::Done);
        }
        let views = session.collaborations().await?;
        if let [only] = views.as_slice() {
            answer(screen, &session, only).await?;
            return Ok(Exit::Done);
        }
        let mut all = Vec::new();
        for view in &views {
            all.push(shown(&session, view).await?);
        }
        let shown = all;
        screen.answer(&serde_json::json!({ "items": shown }), || {
            if shown.is_empty() {
                return "No collaborations yet.".into();
            }
            shown.iter().map(text).collect::<Vec<_>>().join("\n")
        })?;
        Ok(Exit::Done)
    }
}

/// Prints one collaboration, after checking its signatures and finishing the pairing if that is possible.
pub(super) async fn answer(
    screen: &Screen,
    session: &Session,
    view: &CollaborationView,
) -> Result<(), Failure> {
    let shown = shown(session, view).await?;
    screen.answer(&shown, || text(&shown))
}

async fn shown(session: &Session, view: &CollaborationView) -> Result<Shown, ExchangeError> {
    let terms = pairing::check_proposal(session, view)?;
    let fingerprint = match pairing::finish(session, view) {
        Ok(paired) => Some(paired.fingerprint),
        Err(ExchangeError::NotPaired) => None,
        Err(error) => return Err(error),
    };
    Ok(Shown {
        id: view.id.clone(),
        state: view.state,
        terms,
        policy: agreed(session, view).await?,
        fingerprint,
    })
}

fn text(shown: &Shown) -> String {
    let terms = &shown.terms;
    let words = |value: serde_json::Value| value.to_string().replace(['"', '[', ']'], "");
    let keys = words(serde_json::json!(terms.identifiers)).replace(',', ", ");
    let profile = words(serde_json::json!(terms.profile));
    let mut text = format!(
        "Collaboration {}: {}\n  {} (advertiser) with {} (partner), until {}\n  matches {} (profile {})\n  audiences go to\n",
        shown.id,
        prose::collaboration_state(shown.state),
        terms.advertiser,
        terms.partner,
        terms.expires,
        keys,
        profile,
    );
    for destination in &terms.destinations {
        let key = match &destination.sealing_key {
            Some(key) => format!("cookies sealed to its key {key}"),
            None => "no key, the operator holds its cookies".to_owned(),
        };
        text += &format!("    {}: {key}\n", destination.name);
        if let Some(vendor) = destination.vendor {
            text += &format!("      number {vendor} on the IAB's vendor list\n");
        }
    }
    text += &consent::shown(terms);
    if let Some(rows) = terms.crm_rows {
        let rows = prose::thousands(rows);
        text += &format!("  the advertiser declares a CRM of {rows} rows\n");
    }
    if let Some(tag) = &terms.residency {
        text += &format!("  the data stay in {tag}\n");
    }
    text += &policy::agreed(&shown.policy, 2);
    match &shown.fingerprint {
        Some(fingerprint) => {
            text += &format!(
                "  fingerprint {fingerprint}\n  Compare it with the other party by phone: if both read the same,\n  nobody stands between you. Compare each key with its destination in\n  the same way: `tamis enrol` printed it there."
            );
        }
        None => text += "  signed by the advertiser alone so far",
    }
    text
}
