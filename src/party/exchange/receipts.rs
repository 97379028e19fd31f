//! A receipt for one person: the consent records that are proven of them, and what they asked for since.

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tamis_protocols::consent::{
    ConsentEvent, ConsentRecord, ConsentState, MAX_EVENTS, ReceiptContext, receipt,
};
use tamis_protocols::wire::api::{RequestKind, SubjectRequestView};
use tamis_protocols::wire::terms::Terms;

use super::records::Proven;

/// The receipt that `controller` gives over the records that are not erased, in the terms of ISO/IEC TS
/// 27560; none if there is no record. The person is named by the first token that led to one.
pub fn receipt_of(
    controller: &str,
    terms: &Terms,
    proven: &[Proven],
    requests: &[SubjectRequestView],
    now: Timestamp,
) -> Option<Value> {
    let kept = proven
        .iter()
        .filter_map(|one| Some((one, one.record.as_ref()?)));
    let records: Vec<(String, ConsentRecord)> = kept
        .map(|(one, record)| {
            let number = format!("{}/{}", one.proof.upload, one.proof.row);
            (number, with_requests(record, requests))
        })
        .collect();
    if records.is_empty() {
        return None;
    }
    let principal = proven.iter().find(|one| one.record.is_some());
    let principal = principal.map_or("", |one| one.token.as_str());
    let recipients: Vec<String> = terms.destination_names().map(str::to_owned).collect();
    Some(receipt(
        &records,
        &ReceiptContext {
            receipt_id: &number(controller, principal, now),
            principal,
            controller,
            recipients: &recipients,
            notice: None,
            issued: now,
        },
    ))
}

/// 32 hexadecimal digits that say nothing of whom it is for.
fn number(controller: &str, principal: &str, now: Timestamp) -> String {
    let mut hash = Sha256::new_with_prefix("tamis/v1/receipt");
    for part in [controller, principal, &now.to_string()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut number = hex::encode(hash.finalize());
    number.truncate(32);
    number
}

/// The record, its history with what was asked for since it was sent.
fn with_requests(record: &ConsentRecord, requests: &[SubjectRequestView]) -> ConsentRecord {
    let mut record = record.clone();
    let asked = requests.iter().filter_map(|request| {
        let state = match request.kind {
            RequestKind::Opposition => ConsentState::Opposed,
            RequestKind::Withdrawal | RequestKind::Erasure => ConsentState::Withdrawn,
        };
        let at = request.at.parse().ok()?;
        Some(ConsentEvent { state, at })
    });
    let asked: Vec<ConsentEvent> = asked.collect();
    if asked.is_empty() {
        return record;
    }
    let given = record.given_at;
    let history = &mut record.details_mut().history;
    if let (true, Some(at)) = (history.is_empty(), given) {
        let state = ConsentState::Given;
        history.push(ConsentEvent { state, at });
    }
    history.extend(asked);
    history.sort_by_key(|event| event.at);
    // The newest are what counts.
    history.drain(..history.len().saturating_sub(MAX_EVENTS));
    record
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn request(kind: RequestKind, at: &str) -> SubjectRequestView {
        SubjectRequestView {
            id: String::new(),
            kind,
            at: at.to_owned(),
        }
    }

    #[test]
    fn what_was_asked_for_since_is_the_end_of_the_history() {
        let record = ConsentRecord {
            given_at: Some("2026-01-05T10:00:00Z".parse().unwrap()),
            ..ConsentRecord::default()
        };
        assert_eq!(with_requests(&record, &[]), record);
        let requests = [
            request(RequestKind::Withdrawal, "2026-11-22T09:00:00Z"),
            request(RequestKind::Opposition, "2026-03-01T09:00:00Z"),
        ];
        let told = with_requests(&record, &requests);
        let history = told.details().history.iter();
        let states: Vec<&str> = history.map(|event| event.state.as_str()).collect();
        assert_eq!(states, ["given", "opposed", "withdrawn"]);
        assert_eq!(told.check(), Ok(()));
    }

    #[test]
    fn a_receipts_number_is_its_own() {
        let at = |text: &str| text.parse().unwrap();
        let one = number("shop", "00", at("2026-01-05T10:00:00Z"));
        assert_eq!(one.len(), 32);
        assert_ne!(one, number("shop", "00", at("2026-01-05T10:00:01Z")));
        assert_ne!(one, number("shop", "01", at("2026-01-05T10:00:00Z")));
        assert_ne!(one, number("shop0", "0", at("2026-01-05T10:00:00Z")));
    }
}
