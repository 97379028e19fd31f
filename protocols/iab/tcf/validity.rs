//! Which TC strings count. A string that reads well may still be worth nothing.

use jiff::civil::{Date, date};
use jiff::tz::Offset;
use serde::Serialize;

use super::TcString;
use crate::consent::Purposes;

/// The first day on which a new string must say which vendors were disclosed (TCF 2.3).
const DISCLOSURE: Date = date(2026, 3, 1);
/// The oldest policy whose strings count (TCF 2.2).
const OLDEST_POLICY: u8 = 4;
/// Purposes that rest on consent alone since policy 4: 3, 4, 5 and 6.
pub(in crate::iab) const CONSENT_ALONE: Purposes = Purposes(0b11_1100);

/// Why a TC string does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Invalid {
    /// It claims to hold for every service; that ended with the global scope.
    NotServiceSpecific,
    /// It was made under a policy before version 4.
    OldPolicy,
    /// It claims legitimate interest for one of the purposes 3 to 6.
    InterestNotAllowed,
    /// It was created and last updated on different days.
    DaysDiffer,
    /// Its times tell more than the day.
    NotWholeDays,
    /// It was created after the day of judgement.
    CreatedInFuture,
    /// It was created on or after 1 March 2026 and does not say which vendors were disclosed.
    DisclosedVendorsMissing,
}

impl Invalid {
    /// Every reason, in the order in which they are given.
    pub const ALL: [Invalid; 7] = [
        Invalid::NotServiceSpecific,
        Invalid::OldPolicy,
        Invalid::InterestNotAllowed,
        Invalid::DaysDiffer,
        Invalid::NotWholeDays,
        Invalid::CreatedInFuture,
        Invalid::DisclosedVendorsMissing,
    ];

    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Invalid::NotServiceSpecific => "not_service_specific",
            Invalid::OldPolicy => "old_policy",
            Invalid::InterestNotAllowed => "interest_not_allowed",
            Invalid::DaysDiffer => "days_differ",
            Invalid::NotWholeDays => "not_whole_days",
            Invalid::CreatedInFuture => "created_in_future",
            Invalid::DisclosedVendorsMissing => "disclosed_vendors_missing",
        }
    }

    /// One sentence for the owner of the string.
    pub fn hint(self) -> &'static str {
        match self {
            Invalid::NotServiceSpecific => {
                "it is not specific to one service (IsServiceSpecific is 0)"
            }
            Invalid::OldPolicy => "it was made under a TCF policy before version 4",
            Invalid::InterestNotAllowed => {
                "it claims legitimate interest for a purpose from 3 to 6, which rest on consent alone"
            }
            Invalid::DaysDiffer => "it was created and last updated on different days",
            Invalid::NotWholeDays => "its times are not whole days in UTC",
            Invalid::CreatedInFuture => "it was created in the future",
            Invalid::DisclosedVendorsMissing => {
                "it was created after February 2026 without the segment of disclosed vendors"
            }
        }
    }
}

/// A TC string that was judged and counts on the day of judgement. Only this answers questions.
#[derive(Clone, Copy, Debug)]
pub struct Valid<'a>(pub(super) &'a TcString);

impl TcString {
    /// Whether the string counts on the day `as_of` (UTC); else every reason why not, in the order of
    /// [`Invalid::ALL`].
    pub fn judge(&self, as_of: Date) -> Result<Valid<'_>, Vec<Invalid>> {
        let created = Offset::UTC.to_datetime(self.created);
        let updated = Offset::UTC.to_datetime(self.last_updated);
        let whole =
            |at: jiff::civil::DateTime| at == at.date().to_datetime(jiff::civil::Time::midnight());
        let applies = |reason: &Invalid| match reason {
            Invalid::NotServiceSpecific => !self.service_specific,
            Invalid::OldPolicy => self.policy_version < OLDEST_POLICY,
            Invalid::InterestNotAllowed => self.purposes_interest.0 & CONSENT_ALONE.0 != 0,
            Invalid::DaysDiffer => created.date() != updated.date(),
            Invalid::NotWholeDays => !whole(created) || !whole(updated),
            Invalid::CreatedInFuture => created.date() > as_of,
            Invalid::DisclosedVendorsMissing => {
                created.date() >= DISCLOSURE && self.disclosed_vendors.is_none()
            }
        };
        let reasons: Vec<Invalid> = Invalid::ALL.into_iter().filter(applies).collect();
        if reasons.is_empty() {
            Ok(Valid(self))
        } else {
            Err(reasons)
        }
    }
}
