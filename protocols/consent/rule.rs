//! What a collaboration demands of a row's consent. SPEC.md, "Judging".

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::{Basis, ConsentRecord, ConsentState, Destinations, Details, DropReason, Purposes};

/// What a row's consent must carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentRule {
    /// Accepted bases.
    pub bases: Vec<Basis>,
    /// TCF purposes that must all be covered.
    pub purposes: Vec<u8>,
    /// Consent older than this many calendar months does not count.
    pub max_age_months: u32,
    /// Accepted jurisdictions, a country with its subdivisions; none: any, and a record without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jurisdictions: Vec<String>,
    /// Accepted versions of the notice; none: any, and a record without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// Whether a record must name its recipients.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recipients_named: bool,
}

/// What a record lets a row be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The last day of use.
    pub last_day: Date,
    /// Bit `n`: the `n`-th destination may use it. `None`: the record names nobody, so all may.
    pub at: Option<u32>,
}

impl ConsentRule {
    /// The default for an advertiser's rows.
    pub fn advertiser() -> ConsentRule {
        ConsentRule {
            bases: vec![Basis::Consent, Basis::LegitimateInterest],
            purposes: vec![3, 4],
            max_age_months: 25,
            jurisdictions: Vec::new(),
            notices: Vec::new(),
            recipients_named: false,
        }
    }

    /// The default for a partner's rows.
    pub fn partner() -> ConsentRule {
        ConsentRule {
            bases: vec![Basis::Consent],
            purposes: vec![1, 3, 4],
            max_age_months: 13,
            jurisdictions: Vec::new(),
            notices: Vec::new(),
            recipients_named: false,
        }
    }

    /// Whether basis, purposes and age are all that it asks for.
    pub fn is_plain(&self) -> bool {
        self.jurisdictions.is_empty() && self.notices.is_empty() && !self.recipients_named
    }

    /// Judges a record on the day `as_of` (UTC): the last day on which it may still be used, or why it
    /// may not. Where it may be used is another question: [`Self::judge`].
    pub fn evaluate(&self, record: &ConsentRecord, as_of: Date) -> Result<Date, DropReason> {
        self.verdict(record, None, as_of)
            .map(|found| found.last_day)
    }

    /// Judges a record on the day `as_of` (UTC) for the destinations of the terms: until when and where
    /// it may be used, or why it may not.
    pub fn judge(
        &self,
        record: &ConsentRecord,
        destinations: &Destinations,
        as_of: Date,
    ) -> Result<Admitted, DropReason> {
        self.verdict(record, Some(destinations), as_of)
    }

    fn verdict(
        &self,
        record: &ConsentRecord,
        destinations: Option<&Destinations>,
        as_of: Date,
    ) -> Result<Admitted, DropReason> {
        if record.opposed {
            return Err(DropReason::Opposed);
        }
        let details = record.more.as_deref();
        details.map_or(Ok(()), ended)?;
        self.covers(record)?;
        let at = match details {
            None if self.is_plain() => None,
            _ => self.where_allowed(record, destinations)?,
        };
        let given = utc_day(record.given_at.ok_or(DropReason::NoDate)?);
        let newest = details.and_then(|details| details.history.last());
        if given > as_of || newest.is_some_and(|event| utc_day(event.at) > as_of) {
            return Err(DropReason::ConsentInFuture);
        }
        let last_day = self.last_day(given);
        if last_day < as_of {
            return Err(DropReason::TooOld);
        }
        let last_day = match details.and_then(|details| details.valid_until) {
            None => last_day,
            Some(until) => last_day.min(last_whole_day(until)),
        };
        if last_day < as_of {
            return Err(DropReason::Expired);
        }
        Ok(Admitted { last_day, at })
    }

    /// Whether every purpose is covered, on the record's basis or on legitimate interest.
    fn covers(&self, record: &ConsentRecord) -> Result<(), DropReason> {
        let on_basis = match record.basis {
            Some(basis) if self.bases.contains(&basis) => record.purposes,
            _ => Purposes::NONE,
        };
        let interests = match &record.more {
            Some(details) if self.bases.contains(&Basis::LegitimateInterest) => details.interests,
            _ => Purposes::NONE,
        };
        if interests == Purposes::NONE {
            let basis = record.basis.ok_or(DropReason::NoBasis)?;
            if !self.bases.contains(&basis) {
                return Err(DropReason::BasisNotAccepted);
            }
        }
        match on_basis.and(interests).contains_all(&self.purposes) {
            true => Ok(()),
            false => Err(DropReason::PurposeMissing),
        }
    }

    /// Jurisdiction, notice and recipients.
    fn where_allowed(
        &self,
        record: &ConsentRecord,
        destinations: Option<&Destinations>,
    ) -> Result<Option<u32>, DropReason> {
        let details = record.details();
        if !self.jurisdictions.is_empty() {
            let place = details.jurisdiction.as_deref().unwrap_or_default();
            let within = |accepted: &String| {
                let rest = place.strip_prefix(accepted.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            };
            if !self.jurisdictions.iter().any(within) {
                return Err(DropReason::JurisdictionNotAccepted);
            }
        }
        if !self.notices.is_empty() {
            let shown = record.notice_version.as_ref();
            if !shown.is_some_and(|shown| self.notices.contains(shown)) {
                return Err(DropReason::NoticeNotAccepted);
            }
        }
        match (&details.recipients, destinations) {
            (None, _) if self.recipients_named => Err(DropReason::RecipientMissing),
            (None, _) | (Some(_), None) => Ok(None),
            (Some(names), Some(destinations)) => match destinations.among(names) {
                0 => Err(DropReason::RecipientMissing),
                some => Ok(Some(some)),
            },
        }
    }

    /// The same day of the month `max_age_months` later, or that month's last day; the end of time if
    /// there is no such date.
    fn last_day(&self, given: Date) -> Date {
        0.months()
            .try_months(self.max_age_months)
            .and_then(|age| given.checked_add(age))
            .unwrap_or(Date::MAX)
    }
}

/// Whether the newest event is an end.
fn ended(details: &Details) -> Result<(), DropReason> {
    match details.history.last().map(|event| event.state) {
        Some(ConsentState::Opposed) => Err(DropReason::Opposed),
        Some(ConsentState::Withdrawn) => Err(DropReason::Withdrawn),
        Some(ConsentState::Expired) => Err(DropReason::Expired),
        Some(ConsentState::Given | ConsentState::Refreshed | ConsentState::Narrowed) | None => {
            Ok(())
        }
    }
}

/// The last day that is over when `until`, the last second of a validity, is.
fn last_whole_day(until: Timestamp) -> Date {
    let after = until.checked_add(1.second()).unwrap_or(until);
    utc_day(after).yesterday().unwrap_or(Date::MIN)
}

fn is_false(value: &bool) -> bool {
    !value
}

/// The day of an instant, in UTC.
fn utc_day(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}
