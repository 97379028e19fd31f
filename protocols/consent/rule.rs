//! What a collaboration demands of a row's consent, and why a row is left out. SPEC.md, "Judging".

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::{Basis, ConsentRecord};

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
}

/// Why a row does not take part in matching. One reason a row: the first that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The person opposed.
    Opposed,
    /// No basis is given.
    NoBasis,
    /// The basis is none of those the terms accept.
    BasisNotAccepted,
    /// A purpose of the terms is not covered.
    PurposeMissing,
    /// No time of consent.
    NoDate,
    /// The consent is dated after the day of judgement.
    ConsentInFuture,
    /// The consent is older than the terms accept.
    TooOld,
    /// Nothing to match: no identifier of a type in the terms.
    NoIdentifier,
}

impl DropReason {
    /// Every reason, in the order of judgement.
    pub const ALL: [DropReason; 8] = [
        DropReason::Opposed,
        DropReason::NoBasis,
        DropReason::BasisNotAccepted,
        DropReason::PurposeMissing,
        DropReason::NoDate,
        DropReason::ConsentInFuture,
        DropReason::TooOld,
        DropReason::NoIdentifier,
    ];

    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            DropReason::Opposed => "opposed",
            DropReason::NoBasis => "no_basis",
            DropReason::BasisNotAccepted => "basis_not_accepted",
            DropReason::PurposeMissing => "purpose_missing",
            DropReason::NoDate => "no_date",
            DropReason::ConsentInFuture => "consent_in_future",
            DropReason::TooOld => "too_old",
            DropReason::NoIdentifier => "no_identifier",
        }
    }

    /// The inverse of [`DropReason::as_str`].
    pub fn parse(word: &str) -> Option<DropReason> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// One sentence for the owner of the row.
    pub fn hint(self) -> &'static str {
        match self {
            DropReason::Opposed => "the person opposed",
            DropReason::NoBasis => "no legal basis is given (consent_basis)",
            DropReason::BasisNotAccepted => "the basis is none of those in the terms",
            DropReason::PurposeMissing => {
                "a purpose of the terms is not covered (consent_purposes)"
            }
            DropReason::NoDate => "no readable time of consent (consent_at)",
            DropReason::ConsentInFuture => "the consent is dated in the future",
            DropReason::TooOld => "the consent is older than the terms accept",
            DropReason::NoIdentifier => "no usable identifier of a type in the terms",
        }
    }

    /// Whether another day could give another verdict. A row dropped for any other reason is lost for
    /// these terms whatever the day.
    pub fn depends_on_the_day(self) -> bool {
        matches!(self, DropReason::ConsentInFuture | DropReason::TooOld)
    }
}

impl ConsentRule {
    /// The default for an advertiser's rows.
    pub fn advertiser() -> ConsentRule {
        ConsentRule {
            bases: vec![Basis::Consent, Basis::LegitimateInterest],
            purposes: vec![3, 4],
            max_age_months: 25,
        }
    }

    /// The default for a partner's rows.
    pub fn partner() -> ConsentRule {
        ConsentRule {
            bases: vec![Basis::Consent],
            purposes: vec![1, 3, 4],
            max_age_months: 13,
        }
    }

    /// Judges a record on the day `as_of` (UTC): the last day on which it may still be used, or why it
    /// may not.
    pub fn evaluate(&self, record: &ConsentRecord, as_of: Date) -> Result<Date, DropReason> {
        if record.opposed {
            return Err(DropReason::Opposed);
        }
        let basis = record.basis.ok_or(DropReason::NoBasis)?;
        if !self.bases.contains(&basis) {
            return Err(DropReason::BasisNotAccepted);
        }
        if !record.purposes.contains_all(&self.purposes) {
            return Err(DropReason::PurposeMissing);
        }
        let given = utc_day(record.given_at.ok_or(DropReason::NoDate)?);
        if given > as_of {
            return Err(DropReason::ConsentInFuture);
        }
        let last = self.last_day(given);
        if last < as_of {
            return Err(DropReason::TooOld);
        }
        Ok(last)
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

/// The day of an instant, in UTC.
fn utc_day(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}
