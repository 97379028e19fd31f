//! Identifiers: from a cell of a file to the digest that a token is made of.
//!
//! Flow: a raw cell (an e-mail address, a phone number, the parts of a postal address) is *normalised*
//! under a named, versioned [`Profile`] into a [`Canonical`] form, whose SHA-256 is the
//! [`IdentifierDigest`]. A party that holds only digests brings them through [`prehashed`]. The token
//! part turns a digest into a keyed pseudonym.
//!
//! Who learns what: raw identifiers, canonical forms and digests stay in the party's own process. A
//! digest is still personal data (a dictionary inverts it), so it neither prints nor serialises.
//!
//! Source: SPEC.md beside this file; platform rules as published by Google, Meta and UID2; UTS #46 for
//! domains; E.164 for phone numbers.

pub(crate) mod digest;
mod email;
mod malformed;
mod normalise;
mod phone;
mod platform;
mod postal;

pub use digest::{IdentifierDigest, prehashed};
pub use malformed::Malformed;
pub use normalise::{Canonical, Normaliser, UnknownRegion};
pub use platform::{Field, FieldValue};
pub use postal::PostalParts;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// What kind of identifier a token stands for. The numbers are the type byte of the token protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum IdentifierType {
    /// An e-mail address.
    Email = 1,
    /// A phone number.
    Phone = 2,
    /// A postal address with a name.
    Postal = 3,
}

impl IdentifierType {
    /// All types, in the order of their numbers.
    pub const ALL: [IdentifierType; 3] = [
        IdentifierType::Email,
        IdentifierType::Phone,
        IdentifierType::Postal,
    ];

    /// The word used in terms, in file headers and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            IdentifierType::Email => "email",
            IdentifierType::Phone => "phone",
            IdentifierType::Postal => "postal",
        }
    }

    /// The inverse of [`IdentifierType::as_str`].
    pub fn parse(word: &str) -> Option<IdentifierType> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The type byte of the token protocol, 1 to 3.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Its place in arrays of one entry per type, 0 to 2.
    pub fn index(self) -> usize {
        self as usize - 1
    }
}

/// A named, versioned set of normalisation rules. A rule never changes under a name: a new rule is a new name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Profile {
    /// The default: the widest agreement between a CRM and an identity graph.
    #[serde(rename = "onboarding-1")]
    Onboarding1,
    /// Google's customer match rules.
    #[serde(rename = "google-1")]
    Google1,
    /// Meta's advanced matching rules.
    #[serde(rename = "meta-1")]
    Meta1,
    /// UID2 (and The Trade Desk).
    #[serde(rename = "uid2-1")]
    Uid2_1,
}

impl Profile {
    /// All profiles, the default first.
    pub const ALL: [Profile; 4] = [
        Profile::Onboarding1,
        Profile::Google1,
        Profile::Meta1,
        Profile::Uid2_1,
    ];

    /// The name used in terms and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Profile::Onboarding1 => "onboarding-1",
            Profile::Google1 => "google-1",
            Profile::Meta1 => "meta-1",
            Profile::Uid2_1 => "uid2-1",
        }
    }

    /// The inverse of [`Profile::as_str`].
    pub fn parse(word: &str) -> Option<Profile> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.as_str() == word)
    }

    /// Whether the profile has a rule for this identifier type: only `onboarding-1` has one for postal
    /// addresses, the platforms match their parts one by one.
    pub fn supports(self, kind: IdentifierType) -> bool {
        kind != IdentifierType::Postal || self == Profile::Onboarding1
    }
}
