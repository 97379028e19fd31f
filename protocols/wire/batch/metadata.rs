//! The values of schema metadata: their keys, and how each is written and read.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::{ConsentField, WireError};

pub(super) const VERSION: &str = "tamis.wire";
pub(super) const KIND: &str = "tamis.kind";
pub(super) const COLLABORATION: &str = "tamis.collaboration";
pub(super) const EPOCH: &str = "tamis.epoch";
pub(super) const MODE: &str = "tamis.mode";
pub(super) const BRIDGE: &str = "tamis.bridge";
pub(super) const CONSENT: &str = "tamis.consent";
pub(super) const SEGMENTS: &str = "tamis.segments";
pub(super) const LABELS: &str = "tamis.labels";

pub(super) const NO_FIELDS: &str =
    "must be a JSON array of known fields, at least one, in their order";
pub(super) const NO_ID: &str = "must be 32 lowercase hexadecimal digits";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enc: Option<String>,
}

/// Destinations and their encapsulated keys as JSON.
pub(super) fn labels_to_json(
    labels: &BTreeMap<String, Option<[u8; 32]>>,
) -> serde_json::Result<String> {
    let entry = |(name, enc): (&'_ String, &Option<[u8; 32]>)| {
        let enc = enc.map(|bytes| STANDARD.encode(bytes));
        (name.clone(), LabelEntry { enc })
    };
    let entries: BTreeMap<String, LabelEntry> = labels.iter().map(entry).collect();
    serde_json::to_string(&entries)
}

/// A list that is absent where it would be empty: one form for each.
pub(super) fn parse_consent(json: &str) -> Result<Vec<ConsentField>, WireError> {
    let fields: Vec<ConsentField> =
        serde_json::from_str(json).map_err(|_| metadata_error(CONSENT, NO_FIELDS))?;
    match fields.is_empty() {
        true => Err(metadata_error(CONSENT, NO_FIELDS)),
        false => Ok(fields),
    }
}

pub(super) fn parse_labels(json: &str) -> Result<BTreeMap<String, Option<[u8; 32]>>, WireError> {
    let entries: BTreeMap<String, LabelEntry> = serde_json::from_str(json).map_err(|_| {
        metadata_error(
            LABELS,
            "must be a JSON object of objects with `enc` or nothing",
        )
    })?;
    let mut labels = BTreeMap::new();
    for (name, entry) in entries {
        let enc = match entry.enc {
            None => None,
            Some(text) => {
                let bytes = STANDARD.decode(text).ok();
                let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
                let problem = "an `enc` is not 32 bytes of standard base64";
                Some(bytes.ok_or_else(|| metadata_error(LABELS, problem))?)
            }
        };
        labels.insert(name, enc);
    }
    Ok(labels)
}

/// `[a-z][a-z0-9-]{1,31}`
pub(super) fn is_party_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && (2..=32).contains(&name.len())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// 32 lowercase hexadecimal digits.
pub(super) fn is_id(text: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.len() == 32 && text.bytes().all(hex)
}

pub(super) fn metadata_error(key: &'static str, problem: &'static str) -> WireError {
    WireError::Metadata { key, problem }
}
