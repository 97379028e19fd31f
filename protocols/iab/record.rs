//! What a consent string becomes: a consent record.
//!
//! A record has one set of purposes for all its recipients, a TC string one for each vendor. So the record
//! says what every one of its recipients may do, and no more.

use jiff::civil::Date;
use thiserror::Error;

use super::Malformed;
use super::gpp::{GppString, Section};
use super::tcf::{CONSENT_ALONE, Invalid, TcString, Valid};
use crate::consent::{Basis, ConsentRecord, MAX_RECIPIENTS, Purposes};

/// The country of a string whose maker said none.
const NOWHERE: &str = "AA";

/// Why no record is made of a text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unusable {
    /// It is no consent string.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// It is one that does not count: all reasons, at least one.
    #[error("{}", .0.first().map_or("it does not count", |reason| reason.hint()))]
    Invalid(Vec<Invalid>),
}

/// The record of a TC string or GPP string, told apart by the first letter, on the day `as_of` (UTC), for
/// `vendors` of the Global Vendor List: see [`Valid::to_record`] and [`GppString::to_record`].
///
/// # Errors
/// The text is no such string, or its TC string does not count.
pub fn to_record(text: &str, as_of: Date, vendors: &[u16]) -> Result<ConsentRecord, Unusable> {
    if text.starts_with('D') {
        return GppString::parse(text)?
            .to_record(as_of, vendors)
            .map_err(Unusable::Invalid);
    }
    let string = TcString::parse(text)?;
    let valid = string.judge(as_of).map_err(Unusable::Invalid)?;
    Ok(valid.to_record(vendors))
}

impl Valid<'_> {
    /// The record for `vendors` of the Global Vendor List, whom the terms name as recipients.
    ///
    /// Basis and purposes are what every vendor of the record may do on consent; beside it stands what each
    /// of them may do on legitimate interest. A vendor that may do nothing on the basis is not named, one
    /// that is named `gvl:28`. If none may do anything on consent, the basis is legitimate interest; without
    /// that there is none, and the row is lost to any terms. With no `vendors` the record names no recipient
    /// and says what the person said of purposes alone.
    ///
    /// The time is that of the last update; language, country and platform are the string's.
    pub fn to_record(&self, vendors: &[u16]) -> ConsentRecord {
        let string = self.string();
        let mut vendors = vendors.to_vec();
        vendors.sort_unstable();
        vendors.dedup();
        let on = |basis| self.may(&vendors, basis);
        let (basis, named) = match (on(Basis::Consent), on(Basis::LegitimateInterest)) {
            (Some(named), _) => (Some(Basis::Consent), named),
            (None, Some(named)) => (Some(Basis::LegitimateInterest), named),
            (None, None) => (None, Vec::new()),
        };
        let common = |on| match vendors.is_empty() {
            true => self.said(on),
            false => self.common(&named, on),
        };
        let mut record = ConsentRecord {
            basis,
            purposes: basis.map_or(Purposes::NONE, common),
            given_at: Some(string.last_updated),
            notice_version: Some(format!(
                "gvl {}, policy {}",
                string.vendor_list_version, string.policy_version
            )),
            source: Some(format!("cmp {}", string.cmp_id)),
            ..ConsentRecord::default()
        };
        let country = string.publisher_country.to_string();
        let details = record.details_mut();
        if basis == Some(Basis::Consent) {
            details.interests = common(Basis::LegitimateInterest);
        }
        details.language = Some(string.language.to_string().to_lowercase());
        details.jurisdiction = (country != NOWHERE).then_some(country);
        if !vendors.is_empty() {
            let mut names: Vec<String> = named.iter().map(|id| format!("gvl:{id}")).collect();
            names.sort_unstable();
            details.recipients = Some(names);
        }
        record
    }

    /// The vendors who may do something on the basis, as many as a record holds; none if there is no such
    /// vendor, or, where no vendor is asked about, no such purpose.
    fn may(&self, vendors: &[u16], on: Basis) -> Option<Vec<u16>> {
        if vendors.is_empty() {
            return (self.said(on) != Purposes::NONE).then(Vec::new);
        }
        let some = |vendor: &&u16| self.purposes(**vendor, on) != Purposes::NONE;
        let named: Vec<u16> = vendors
            .iter()
            .filter(some)
            .take(MAX_RECIPIENTS)
            .copied()
            .collect();
        (!named.is_empty() && self.common(&named, on) != Purposes::NONE).then_some(named)
    }

    /// What each of `vendors` may do on the basis; nothing if there is no vendor.
    fn common(&self, vendors: &[u16], on: Basis) -> Purposes {
        let each = vendors.iter().map(|vendor| self.purposes(*vendor, on));
        let common = each.reduce(|one, other| Purposes(one.0 & other.0));
        common.unwrap_or(Purposes::NONE)
    }

    /// What the person said of purposes, whoever the vendor.
    fn said(&self, on: Basis) -> Purposes {
        let string = self.string();
        match on {
            Basis::Consent => string.purposes_consent,
            Basis::LegitimateInterest => {
                let never = CONSENT_ALONE.with(1);
                Purposes(string.purposes_interest.0 & !never.0)
            }
            _ => Purposes::NONE,
        }
    }
}

impl GppString {
    /// The record of its European section, or one without a basis if it has none; opposed if any American
    /// section says that the person opted out of anything. An opt-out is heard even if the European section
    /// does not count.
    ///
    /// # Errors
    /// Why the European section does not count, in a string without an opt-out.
    pub fn to_record(&self, as_of: Date, vendors: &[u16]) -> Result<ConsentRecord, Vec<Invalid>> {
        let opposed = self.opted_out().is_some_and(|out| out.any());
        let europe = self.europe().map(|string| string.judge(as_of)).transpose();
        let mut record = match europe {
            Ok(valid) => valid
                .map(|valid| valid.to_record(vendors))
                .unwrap_or_default(),
            Err(_) if opposed => ConsentRecord::default(),
            Err(reasons) => return Err(reasons),
        };
        record.opposed = opposed;
        if record.details().jurisdiction.is_none() {
            let place = self.sections.iter().find_map(Section::place);
            if let Some(place) = place {
                record.details_mut().jurisdiction = Some(place.to_owned());
            }
        }
        Ok(record)
    }
}
