//! Checking proposed terms: everything that can be wrong is said before anyone signs for it.

use std::collections::BTreeSet;

use jiff::civil::Date;
use tamis_protocols::consent::{ConsentRule, MAX_TEXT, is_jurisdiction};
use tamis_protocols::release::Policy;
use tamis_protocols::wire::terms::Terms;

use super::ServiceError;
use super::policy::loosened;
use crate::domain::id::Id;
use crate::domain::residency::is_tag;

/// Longest terms document in bytes.
const LONGEST: usize = 16 * 1024;

/// Most destinations of one collaboration.
const DESTINATIONS: usize = 32;

/// Most jurisdictions, and most notices, of a rule.
const RULE_WORDS: usize = 256;

/// Reads the exact signed bytes.
pub(super) fn read(terms: &str) -> Result<Terms, ServiceError> {
    if terms.len() > LONGEST {
        return Err(bad("The terms are longer than 16 KiB."));
    }
    serde_json::from_str(terms).map_err(|error| {
        bad(&format!(
            "The terms are not a terms document: see line {}, column {}.",
            error.line(),
            error.column()
        ))
    })
}

/// Reads terms that were checked when they were proposed.
pub(super) fn stored(terms: &str) -> Result<Terms, ServiceError> {
    read(terms).map_err(|error| ServiceError::internal("stored terms", error))
}

/// Checks what can be checked without the database.
pub(super) fn check(terms: &Terms, floor: &Policy, today: Date) -> Result<(), ServiceError> {
    if terms.version != Terms::VERSION {
        return Err(bad("The version of the terms must be 2."));
    }
    if Id::parse(&terms.nonce).is_none() {
        return Err(bad("The nonce must be 32 lowercase hexadecimal digits."));
    }
    if terms.protocol != "keyed" {
        return Err(bad("The protocol must be `keyed`."));
    }
    if terms.epoch == 0 {
        return Err(bad("The epoch counts from 1."));
    }
    if terms.identifiers.is_empty() || has_twice(&terms.identifiers) {
        return Err(bad("The identifiers must be at least one type, each once."));
    }
    let names: BTreeSet<_> = terms.destination_names().collect();
    if names.is_empty() || names.len() != terms.destinations.len() || names.len() > DESTINATIONS {
        return Err(bad("The destinations must be 1 to 32 names, each once."));
    }
    loosened(floor, &terms.release).map_err(|detail| bad(&detail))?;
    if terms
        .crm_rows
        .is_some_and(|rows| rows < terms.release.upload_min().into())
    {
        return Err(bad(
            "The declared CRM has fewer rows than the advertiser's sets must have.",
        ));
    }
    if terms.expires <= today {
        return Err(bad("The last day must be in the future."));
    }
    if !terms.residency.as_deref().is_none_or(is_tag) {
        return Err(bad(
            "The residency must be a word of 2 to 16 lowercase letters, digits and hyphens.",
        ));
    }
    rule(&terms.advertiser_consent)?;
    rule(&terms.partner_consent)
}

fn rule(rule: &ConsentRule) -> Result<(), ServiceError> {
    let purposes = rule
        .purposes
        .iter()
        .all(|purpose| (1..=11).contains(purpose));
    if rule.bases.is_empty() || rule.purposes.is_empty() || !purposes {
        return Err(bad(
            "A consent rule needs at least one basis and purposes from 1 to 11.",
        ));
    }
    let places = rule.jurisdictions.len() <= RULE_WORDS
        && rule
            .jurisdictions
            .iter()
            .all(|place| is_jurisdiction(place));
    if !places || has_twice(&rule.jurisdictions) {
        return Err(bad(
            "A consent rule's jurisdictions must be countries or subdivisions such as FR or US-CA, each once, \
             at most 256.",
        ));
    }
    let notices = rule.notices.len() <= RULE_WORDS
        && (rule.notices.iter()).all(|notice| (1..=MAX_TEXT).contains(&notice.len()));
    if !notices || has_twice(&rule.notices) {
        return Err(bad(
            "A consent rule's notices must be versions of 1 to 256 bytes, each once, at most 256.",
        ));
    }
    if rule.max_age_months == 0 || rule.max_age_months > 120 {
        return Err(bad("A consent rule's age must be 1 to 120 months."));
    }
    Ok(())
}

fn has_twice<T: PartialEq>(items: &[T]) -> bool {
    items
        .iter()
        .enumerate()
        .any(|(index, item)| items[..index].contains(item))
}

fn bad(detail: &str) -> ServiceError {
    ServiceError::invalid("invalid_terms", detail)
}
