//! Access requests: everything that this party and the service keep about one person on this party's side.

use serde::Serialize;
use serde_json::{Value, json};
use tamis_protocols::ddrf::Subject;
use tamis_protocols::identifier::Normaliser;
use tamis_protocols::token::{Token, Tokeniser};
use tamis_protocols::wire::api::{
    CollaborationState, CollaborationView, SubjectRequest, SubjectView,
};

use super::error::ExchangeError;
use super::pairing;
use super::paths;
use super::session::{Session, terms_of};
use crate::party::person::token_of;

/// What is said of everything that is not in the export, in every export.
pub const NOT_SAID: &str = "Whether the other side of a collaboration knows this person, and whether the person is in an \
    audience, is not part of this: it is kept by nobody, and the service answers from what this party sent alone.";

/// One collaboration of an export.
#[derive(Serialize)]
pub struct Part {
    /// Its terms' two sides.
    pub advertiser: String,
    /// The other.
    pub partner: String,
    /// Whether it is in force.
    pub state: CollaborationState,
    /// What the service keeps.
    pub kept: SubjectView,
    /// The consent records that this party sent, with the proofs that lead to the log; absent if the service
    /// keeps none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<Value>,
}

/// What is kept of somebody in one collaboration; none if there is no identifier of a type that it has, or
/// the other side has not signed yet.
///
/// # Errors
/// The service, or the pair secret.
pub async fn export(
    session: &Session,
    collaboration: &CollaborationView,
    person: &[Subject],
    region: Option<&str>,
) -> Result<Option<Part>, ExchangeError> {
    if collaboration.state == CollaborationState::Proposed {
        return Ok(None);
    }
    let terms = terms_of(collaboration)?;
    let paired = pairing::finish(session, collaboration)?;
    let key = pairing::pair_key(&paired, &collaboration.id, &terms);
    let normaliser =
        Normaliser::new(terms.profile, region).map_err(|_| ExchangeError::Lacking {
            what: "the region is not known".to_owned(),
            next: "Name it by two letters, e.g. --region FR.".to_owned(),
        })?;
    let tokeniser = Tokeniser::new(&key);
    let tokens: Vec<String> = person
        .iter()
        .filter_map(|subject| token_of(subject, &normaliser, &tokeniser))
        .filter(|(kind, _)| terms.identifiers.contains(kind))
        .map(|(_, token): (_, Token)| token.to_hex())
        .collect();
    if tokens.is_empty() {
        return Ok(None);
    }
    let request = SubjectRequest {
        tokens: tokens.clone(),
    };
    let kept = session
        .client
        .post(&paths::subject(&collaboration.id), &request)
        .await?;
    let records = session
        .client
        .post(
            &paths::consent(&collaboration.id),
            &json!({ "tokens": tokens }),
        )
        .await;
    let records = match records {
        Ok(records) => Some(records),
        Err(ExchangeError::Refused {
            status: 404 | 405, ..
        }) => None,
        Err(error) => return Err(error),
    };
    Ok(Some(Part {
        advertiser: collaboration.advertiser.name.clone(),
        partner: collaboration.partner.name.clone(),
        state: collaboration.state,
        kept,
        records,
    }))
}
