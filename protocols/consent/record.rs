//! What a row says about its consent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Purposes;
use super::details::{BadRecord, Details, MAX_TEXT};

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
///
/// Nearly every row has the first fields alone; the rest stands aside, so that such a row costs no more.
#[derive(Clone, Debug, Default)]
pub struct ConsentRecord {
    /// The lawful basis, if any.
    pub basis: Option<Basis>,
    /// TCF purposes covered on that basis.
    pub purposes: Purposes,
    /// When it was given; whole seconds count.
    pub given_at: Option<Timestamp>,
    /// Version of the notice that was shown, at most [`MAX_TEXT`](super::MAX_TEXT) bytes.
    pub notice_version: Option<String>,
    /// Where it was collected: a form, an app, a shop; at most [`MAX_TEXT`](super::MAX_TEXT) bytes.
    pub source: Option<String>,
    /// Whether the person opposed (GDPR Art. 21): nothing outweighs this.
    pub opposed: bool,
    /// What else is known; nothing is the same as [`Details::default`].
    pub more: Option<Box<Details>>,
}

impl ConsentRecord {
    /// What else is known of the consent.
    pub fn details(&self) -> &Details {
        static NOTHING: Details = Details::NONE;
        self.more.as_deref().unwrap_or(&NOTHING)
    }

    /// The same, to be filled in.
    pub fn details_mut(&mut self) -> &mut Details {
        self.more.get_or_insert_default()
    }

    /// Whether every field is in its range, as [`Self::from_bytes`] demands.
    ///
    /// # Errors
    /// The name of the first field that is not.
    pub fn check(&self) -> Result<(), BadRecord> {
        let long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > MAX_TEXT);
        if !self.purposes.exist() {
            return Err(BadRecord("purposes"));
        }
        if long(&self.notice_version) {
            return Err(BadRecord("notice_version"));
        }
        if long(&self.source) {
            return Err(BadRecord("source"));
        }
        self.more.as_ref().map_or(Ok(()), |details| details.check())
    }
}

impl PartialEq for ConsentRecord {
    fn eq(&self, other: &Self) -> bool {
        self.basis == other.basis
            && self.purposes == other.purposes
            && self.given_at == other.given_at
            && self.notice_version == other.notice_version
            && self.source == other.source
            && self.opposed == other.opposed
            && self.details() == other.details()
    }
}

impl Eq for ConsentRecord {}
