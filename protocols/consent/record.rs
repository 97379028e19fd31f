//! What a row says about its consent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Purposes;

/// A lawful basis of GDPR Art. 6(1), in its order. On the wire 0 stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Basis {
    /// (a) consent.
    Consent = 1,
    /// (f) legitimate interest.
    LegitimateInterest = 2,
    /// (b) a contract.
    Contract = 3,
    /// (c) a legal obligation.
    LegalObligation = 4,
    /// (d) vital interests.
    VitalInterests = 5,
    /// (e) a public task.
    PublicTask = 6,
}

impl Basis {
    /// All bases, in the order of their numbers.
    pub const ALL: [Basis; 6] = [
        Basis::Consent,
        Basis::LegitimateInterest,
        Basis::Contract,
        Basis::LegalObligation,
        Basis::VitalInterests,
        Basis::PublicTask,
    ];

    /// The word used in files and terms.
    pub fn as_str(self) -> &'static str {
        match self {
            Basis::Consent => "consent",
            Basis::LegitimateInterest => "legitimate_interest",
            Basis::Contract => "contract",
            Basis::LegalObligation => "legal_obligation",
            Basis::VitalInterests => "vital_interests",
            Basis::PublicTask => "public_task",
        }
    }

    /// The inverse of [`Basis::as_str`]; case, and space or hyphen for the underscore, do not matter.
    pub fn parse(word: &str) -> Option<Basis> {
        let word = word.trim();
        let same = |basis: &Basis| {
            let name = basis.as_str();
            name.len() == word.len()
                && name.bytes().zip(word.bytes()).all(|(want, have)| {
                    want == have.to_ascii_lowercase() || want == b'_' && matches!(have, b' ' | b'-')
                })
        };
        Self::ALL.into_iter().find(same)
    }

    /// The number on the wire, 1 to 6.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The inverse of [`Basis::code`]. 0 (none) and unknown numbers give nothing.
    pub fn from_code(code: u8) -> Option<Basis> {
        Self::ALL.into_iter().find(|basis| basis.code() == code)
    }
}

/// What a row says about its consent. It names no one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsentRecord {
    /// The lawful basis, if any.
    pub basis: Option<Basis>,
    /// TCF purposes covered.
    pub purposes: Purposes,
    /// When it was given; whole seconds count.
    pub given_at: Option<Timestamp>,
    /// Version of the notice that was shown.
    pub notice_version: Option<String>,
    /// Where it was collected: a form, an app, a shop.
    pub source: Option<String>,
    /// Whether the person opposed (GDPR Art. 21): nothing outweighs this.
    pub opposed: bool,
}
