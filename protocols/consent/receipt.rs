//! A consent record as a receipt for the person, in the terms of ISO/IEC TS 27560.
//!
//! JSON-LD with the names of the W3C Data Privacy Vocabulary (DPV 2, profile `dpv-27560`). What the
//! standard has no name for is under `tamis:`. A field that is not known is absent.
//!
//! Source: ISO/IEC TS 27560:2023; DPVCG, "Consent Records and Receipts as per ISO/IEC TS 27560:2023".

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Basis, ConsentRecord, ConsentState, Purposes};

/// The schema of a receipt.
pub const RECEIPT_SCHEMA: &str = "https://w3id.org/dpv/schema/dpv-27560#receipt";
/// The schema of a record in it.
pub const RECORD_SCHEMA: &str = "https://w3id.org/dpv/schema/dpv-27560#record";

/// What a receipt says beside the records.
#[derive(Clone, Copy, Debug)]
pub struct ReceiptContext<'a> {
    /// The receipt's own number.
    pub receipt_id: &'a str,
    /// The person's pseudonym: a token, never an identifier.
    pub principal: &'a str,
    /// Who answers for the processing.
    pub controller: &'a str,
    /// Where the terms let audiences go; the recipients of a record that names none.
    pub recipients: &'a [String],
    /// Where the text of the notice is, if that is known.
    pub notice: Option<&'a str>,
    /// When the receipt is made.
    pub issued: Timestamp,
}

/// One receipt over `records`, each with its number where it does not have one of its own.
pub fn receipt(records: &[(String, ConsentRecord)], context: &ReceiptContext<'_>) -> Value {
    let records: Vec<Value> = records
        .iter()
        .map(|(number, record)| described(number, record, context))
        .collect();
    json!({
        "@context": {
            "dpv": "https://w3id.org/dpv#",
            "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
            "dct": "http://purl.org/dc/terms/",
            "tamis": "urn:tamis:",
        },
        "@type": "dpv:ConsentReceipt",
        "dct:identifier": context.receipt_id,
        "dct:conformsTo": RECEIPT_SCHEMA,
        "dct:created": context.issued.to_string(),
        "dct:publisher": context.controller,
        "dpv:hasRecordOfActivity": records,
    })
}

fn described(number: &str, record: &ConsentRecord, context: &ReceiptContext<'_>) -> Value {
    let details = record.details();
    let mut out = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(key.to_owned(), value);
        }
    };
    put("@type", Some(json!("dpv:ConsentRecord")));
    let id = details.record_id.as_deref().unwrap_or(number);
    put("dct:identifier", Some(json!(id)));
    put("dct:conformsTo", Some(json!(RECORD_SCHEMA)));
    put("dpv:hasDataSubject", Some(json!(context.principal)));
    put("dpv:hasDataController", Some(json!(context.controller)));
    put("dpv:hasNotice", notice(record, context));
    put("dpv:hasProcess", Some(processes(record, context)));
    put(
        "dpv:hasJurisdiction",
        details.jurisdiction.as_ref().map(|place| json!(place)),
    );
    put(
        "tamis:collectionPoint",
        record.source.as_ref().map(|text| json!(text)),
    );
    put(
        "tamis:journey",
        details.journey.as_ref().map(|text| json!(text)),
    );
    put(
        "tamis:validUntil",
        details.valid_until.map(|at| json!(at.to_string())),
    );
    put("dpv:hasConsentStatus", Some(Value::from(events(record))));
    put("tamis:opposed", Some(json!(record.opposed)));
    Value::Object(out)
}

fn notice(record: &ConsentRecord, context: &ReceiptContext<'_>) -> Option<Value> {
    let details = record.details();
    let known = [
        ("dct:hasVersion", record.notice_version.clone()),
        ("dct:language", details.language.clone()),
        ("tamis:sha256", details.notice_hash.map(hex::encode)),
        ("dct:source", context.notice.map(str::to_owned)),
    ];
    let mut out = Map::new();
    for (key, value) in known {
        out.extend(value.map(|value| (key.to_owned(), json!(value))));
    }
    if out.is_empty() {
        return None;
    }
    out.insert("@type".to_owned(), json!("dpv:ConsentNotice"));
    Some(Value::Object(out))
}

/// One process for each basis that covers purposes.
fn processes(record: &ConsentRecord, context: &ReceiptContext<'_>) -> Value {
    let details = record.details();
    let recipients = details.recipients.as_deref().unwrap_or(context.recipients);
    let process = |basis: Option<Basis>, purposes: Purposes| {
        let purposes: Vec<Value> = (1..=Purposes::HIGHEST)
            .filter(|number| purposes.contains(*number))
            .map(|number| {
                let mut purpose = json!({"dct:identifier": format!("tcf:{number}")});
                if let Some(title) = title(number) {
                    purpose["dct:title"] = json!(title);
                }
                purpose
            })
            .collect();
        let mut process = json!({
            "@type": "dpv:Process",
            "dpv:hasPurpose": purposes,
            "dpv:hasRecipient": recipients,
        });
        if let Some(basis) = basis {
            process["dpv:hasLegalBasis"] = json!(article(basis));
        }
        process
    };
    let mut out = vec![process(record.basis, record.purposes)];
    if details.interests != Purposes::NONE {
        out.push(process(Some(Basis::LegitimateInterest), details.interests));
    }
    Value::from(out)
}

/// What became of it, the oldest first; without a history, that it was given.
fn events(record: &ConsentRecord) -> Vec<Value> {
    let history = &record.details().history;
    let event = |state: ConsentState, at: Timestamp| {
        let mut event = json!({"tamis:state": state.as_str(), "dct:date": at.to_string()});
        if let Some(status) = status(state) {
            event["@type"] = json!(status);
        }
        event
    };
    match (&history[..], record.given_at) {
        ([], Some(at)) => vec![event(ConsentState::Given, at)],
        (history, _) => history.iter().map(|one| event(one.state, one.at)).collect(),
    }
}

/// DPV's word, where it has one.
fn status(state: ConsentState) -> Option<&'static str> {
    match state {
        ConsentState::Given | ConsentState::Narrowed => Some("dpv:ConsentGiven"),
        ConsentState::Refreshed => Some("dpv:RenewedConsentGiven"),
        ConsentState::Withdrawn => Some("dpv:ConsentWithdrawn"),
        ConsentState::Expired => Some("dpv:ConsentExpired"),
        // Not a state of consent: the right of Art. 21.
        ConsentState::Opposed => None,
    }
}

fn article(basis: Basis) -> &'static str {
    match basis {
        Basis::Consent => "eu-gdpr:A6-1-a",
        Basis::Contract => "eu-gdpr:A6-1-b",
        Basis::LegalObligation => "eu-gdpr:A6-1-c",
        Basis::VitalInterests => "eu-gdpr:A6-1-d",
        Basis::PublicTask => "eu-gdpr:A6-1-e",
        Basis::LegitimateInterest => "eu-gdpr:A6-1-f",
    }
}

/// What the TCF calls a purpose.
fn title(purpose: u8) -> Option<&'static str> {
    const TITLES: [&str; 11] = [
        "Store and/or access information on a device",
        "Use limited data to select advertising",
        "Create profiles for personalised advertising",
        "Use profiles to select personalised advertising",
        "Create profiles to personalise content",
        "Use profiles to select personalised content",
        "Measure advertising performance",
        "Measure content performance",
        "Understand audiences through statistics or combinations of data from different sources",
        "Develop and improve services",
        "Use limited data to select content",
    ];
    let place = usize::from(purpose).checked_sub(1)?;
    TITLES.get(place).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::super::tests::record::{at, full};
    use super::*;

    fn context(recipients: &[String]) -> ReceiptContext<'_> {
        ReceiptContext {
            receipt_id: "receipt-1",
            principal: "00112233445566778899aabbccddeeff",
            controller: "shop",
            recipients,
            notice: Some("https://shop.example/privacy"),
            issued: at(1_795_000_000),
        }
    }

    #[test]
    fn a_receipt_says_everything_that_the_record_says() {
        let mut withdrawn = full();
        withdrawn.details_mut().history[1].state = ConsentState::Withdrawn;
        let recipients = ["dsp-a".to_owned(), "dmp-b".to_owned()];
        let plain = ConsentRecord {
            basis: Some(Basis::LegitimateInterest),
            purposes: Purposes(0b1000),
            given_at: Some(at(1_777_957_200)),
            ..ConsentRecord::default()
        };
        let records = [("row-1".to_owned(), withdrawn), ("row-2".to_owned(), plain)];
        let receipt = receipt(&records, &context(&recipients));
        crate::golden::check("consent/vectors/receipt.json", &receipt);
        // The recipients are those of the record, or of the terms; the number likewise.
        let records = receipt["dpv:hasRecordOfActivity"].as_array().unwrap();
        let used_at = |at: usize| &records[at]["dpv:hasProcess"][0]["dpv:hasRecipient"];
        assert_eq!(*used_at(0), json!(["dsp-a", "gvl:28"]));
        assert_eq!(*used_at(1), json!(recipients));
        assert_eq!(records[0]["dct:identifier"], "r-1");
        assert_eq!(records[1]["dct:identifier"], "row-2");
    }

    #[test]
    fn an_empty_record_claims_no_consent() {
        let none = [("row-1".to_owned(), ConsentRecord::default())];
        let receipt = receipt(&none, &context(&[]));
        let text = receipt.to_string();
        for claim in ["ConsentGiven", "hasLegalBasis", "tcf:"] {
            assert!(!text.contains(claim), "{claim}");
        }
    }
}
