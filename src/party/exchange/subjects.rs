//! Access requests: everything that this party and the service keep about one person on this party's side.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tamis_protocols::consent::{ConsentRecord, ConsentState};
use tamis_protocols::ddrf::Subject;
use tamis_protocols::identifier::Normaliser;
use tamis_protocols::token::{Token, Tokeniser};
use tamis_protocols::wire::api::{
    CollaborationState, CollaborationView, RequestKind, SubjectRequest, SubjectRequestView,
    SubjectView,
};

use super::error::ExchangeError;
use super::pairing;
use super::paths;
use super::receipts::receipt_of;
use super::records::{self, Evidence};
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
    /// The consent records that this party sent, with all that became of the consent.
    pub records: Vec<Value>,
    /// The same as a receipt for the person; none without a record.
    pub receipt: Option<Value>,
    /// What proves them, down to the signed checkpoint: checked before it is shown.
    pub evidence: Evidence,
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
    now: Timestamp,
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
    let tokens: Vec<Token> = person
        .iter()
        .filter_map(|subject| token_of(subject, &normaliser, &tokeniser))
        .filter(|(kind, _)| terms.identifiers.contains(kind))
        .map(|(_, token)| token)
        .collect();
    if tokens.is_empty() {
        return Ok(None);
    }
    let request = SubjectRequest {
        tokens: tokens.iter().map(Token::to_hex).collect(),
    };
    let kept: SubjectView = session
        .client
        .post(&paths::subject(&collaboration.id), &request)
        .await?;
    let evidence = records::prove(session, &collaboration.id, &tokens).await?;
    let controller = &session.membership.name;
    let receipt = receipt_of(controller, &terms, &evidence.records, &kept.requests, now);
    let proven = evidence.records.iter();
    let records = proven
        .filter_map(|one| Some((one, one.record.as_ref()?)))
        .map(|(one, record)| told(&one.proof.upload, one.proof.row, record, &kept.requests))
        .collect();
    Ok(Some(Part {
        advertiser: collaboration.advertiser.name.clone(),
        partner: collaboration.partner.name.clone(),
        state: collaboration.state,
        kept,
        records,
        receipt,
        evidence,
    }))
}

/// A record in the terms of ISO/IEC TS 27560, its history with what was asked for since it was sent.
fn told(upload: &str, row: u64, record: &ConsentRecord, requests: &[SubjectRequestView]) -> Value {
    let more = record.details();
    let mut events: Vec<(String, &str)> = more
        .history
        .iter()
        .map(|event| (event.at.to_string(), event.state.as_str()))
        .collect();
    if let (Some(at), true) = (record.given_at, events.is_empty()) {
        events.push((at.to_string(), ConsentState::Given.as_str()));
    }
    events.extend(requests.iter().map(|request| {
        let state = match request.kind {
            RequestKind::Opposition => ConsentState::Opposed,
            RequestKind::Withdrawal | RequestKind::Erasure => ConsentState::Withdrawn,
        };
        (request.at.clone(), state.as_str())
    }));
    // RFC 3339 in UTC: the order of the text is that of time.
    events.sort();
    let numbers = |purposes: tamis_protocols::consent::Purposes| -> Vec<u8> {
        (1..=24)
            .filter(|number| purposes.contains(*number))
            .collect()
    };
    let events: Vec<Value> = events
        .into_iter()
        .map(|(at, state)| json!({ "event_time": at, "event_state": state }))
        .collect();
    json!({
        "upload": upload, "row": row, "record_id": more.record_id,
        "lawful_basis": record.basis.map(|basis| basis.as_str()),
        "purposes": numbers(record.purposes), "purposes_on_legitimate_interest": numbers(more.interests),
        "recipients": more.recipients, "privacy_notice_version": record.notice_version,
        "privacy_notice_sha256": more.notice_hash.map(hex::encode), "language": more.language,
        "collection_method": record.source, "journey": more.journey, "jurisdiction": more.jurisdiction,
        "valid_until": more.valid_until.map(|at| at.to_string()), "opposed": record.opposed,
        "events": events,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_request_shows_in_the_history_of_the_record() {
        let mut record = ConsentRecord {
            given_at: Some("2026-01-05T10:00:00Z".parse().unwrap()),
            ..ConsentRecord::default()
        };
        let request = |kind, at: &str| SubjectRequestView {
            id: String::new(),
            kind,
            at: at.to_owned(),
        };
        let requests = [
            request(RequestKind::Withdrawal, "2026-11-22T09:00:00Z"),
            request(RequestKind::Opposition, "2026-03-01T09:00:00Z"),
        ];
        let states = |record: &ConsentRecord| -> Vec<String> {
            let told = told("0a", 7, record, &requests);
            let events = told["events"].as_array().unwrap().iter();
            events
                .map(|event| event["event_state"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(states(&record), ["given", "opposed", "withdrawn"]);
        let narrowed = tamis_protocols::consent::ConsentEvent {
            state: ConsentState::Narrowed,
            at: "2026-02-01T10:00:00Z".parse().unwrap(),
        };
        record.details_mut().history.push(narrowed);
        assert_eq!(states(&record), ["narrowed", "opposed", "withdrawn"]);
    }
}
