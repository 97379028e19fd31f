//! Why a row is left out.

use serde::{Deserialize, Serialize};

/// Why a row does not take part in matching. One reason a row: the first that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The person opposed.
    Opposed,
    /// The consent was taken back.
    Withdrawn,
    /// No basis is given.
    NoBasis,
    /// The basis is none of those the terms accept.
    BasisNotAccepted,
    /// A purpose of the terms is not covered.
    PurposeMissing,
    /// The jurisdiction is none of those the terms accept, or not given.
    JurisdictionNotAccepted,
    /// The version of the notice is none of those the terms accept, or not given.
    NoticeNotAccepted,
    /// No destination of the terms is among the recipients, or they are not given and must be.
    RecipientMissing,
    /// No time of consent.
    NoDate,
    /// The consent is dated after the day of judgement.
    ConsentInFuture,
    /// The consent is older than the terms accept.
    TooOld,
    /// The time for which it was given is over.
    Expired,
    /// Nothing to match: no identifier of a type in the terms.
    NoIdentifier,
}

impl DropReason {
    /// Every reason, in the order of judgement.
    pub const ALL: [DropReason; 13] = [
        DropReason::Opposed,
        DropReason::Withdrawn,
        DropReason::NoBasis,
        DropReason::BasisNotAccepted,
        DropReason::PurposeMissing,
        DropReason::JurisdictionNotAccepted,
        DropReason::NoticeNotAccepted,
        DropReason::RecipientMissing,
        DropReason::NoDate,
        DropReason::ConsentInFuture,
        DropReason::TooOld,
        DropReason::Expired,
        DropReason::NoIdentifier,
    ];

    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            DropReason::Opposed => "opposed",
            DropReason::Withdrawn => "withdrawn",
            DropReason::NoBasis => "no_basis",
            DropReason::BasisNotAccepted => "basis_not_accepted",
            DropReason::PurposeMissing => "purpose_missing",
            DropReason::JurisdictionNotAccepted => "jurisdiction_not_accepted",
            DropReason::NoticeNotAccepted => "notice_not_accepted",
            DropReason::RecipientMissing => "recipient_missing",
            DropReason::NoDate => "no_date",
            DropReason::ConsentInFuture => "consent_in_future",
            DropReason::TooOld => "too_old",
            DropReason::Expired => "expired",
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
            DropReason::Withdrawn => "the consent was taken back (consent_history)",
            DropReason::NoBasis => "no legal basis is given (consent_basis)",
            DropReason::BasisNotAccepted => "the basis is none of those in the terms",
            DropReason::PurposeMissing => {
                "a purpose of the terms is not covered (consent_purposes)"
            }
            DropReason::JurisdictionNotAccepted => {
                "the jurisdiction is none of those in the terms (consent_jurisdiction)"
            }
            DropReason::NoticeNotAccepted => {
                "the notice is none of those in the terms (notice_version)"
            }
            DropReason::RecipientMissing => {
                "no destination of the terms is named (consent_recipients)"
            }
            DropReason::NoDate => "no readable time of consent (consent_at)",
            DropReason::ConsentInFuture => "the consent is dated in the future",
            DropReason::TooOld => "the consent is older than the terms accept",
            DropReason::Expired => "the consent's own time is over (consent_valid_until)",
            DropReason::NoIdentifier => "no usable identifier of a type in the terms",
        }
    }

    /// Whether another day could give another verdict. A row dropped for any other reason is lost for
    /// these terms whatever the day.
    pub fn depends_on_the_day(self) -> bool {
        matches!(
            self,
            DropReason::ConsentInFuture | DropReason::TooOld | DropReason::Expired
        )
    }
}
