//! Whom a request is about.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::refusal::{Refusal, ResultCode};

/// Longest identifier, in bytes.
const VALUE_MAX: usize = 512;

/// An identifier of somebody, as it stands in a token.
///
/// Does not print its value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The identifier.
    #[serde(rename = "identifierValue")]
    pub value: String,
    /// Its type, e.g. `email`.
    #[serde(rename = "identifierType")]
    pub kind: String,
    /// How it is written, e.g. `sha256`.
    #[serde(rename = "identifierFormat")]
    pub format: String,
}

/// Types that tokens are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
}

/// Formats that tokens are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As people write it.
    Plain,
    /// SHA-256 of its canonical form, 64 hexadecimal digits.
    Sha256,
}

impl Kind {
    /// The word in `identifierType`.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Email => "email",
            Kind::Phone => "phone",
        }
    }
}

impl Format {
    /// The word in `identifierFormat`.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Plain => "plain",
            Format::Sha256 => "sha256",
        }
    }
}

impl Subject {
    /// What the identifier is, if it is one that tokens are made of.
    ///
    /// # Errors
    /// `Type` and `Format`; `Malformed` for an empty value or one of more than 512 bytes.
    pub fn understood(&self) -> Result<(Kind, Format), Refusal> {
        let kind = match self.kind.as_str() {
            "email" => Kind::Email,
            "phone" => Kind::Phone,
            _ => {
                let why = "identifiers of that type are not taken";
                return Err(Refusal::new(ResultCode::Type, why));
            }
        };
        let why = "the identifier is not in a format that is taken";
        let format = match self.format.as_str() {
            "plain" => Format::Plain,
            "sha256" => Format::Sha256,
            _ => return Err(Refusal::new(ResultCode::Format, why)),
        };
        if self.value.is_empty() || self.value.len() > VALUE_MAX {
            return Err(Refusal::new(
                ResultCode::Malformed,
                "there is no identifier",
            ));
        }
        let digest = self.value.len() == 64 && self.value.bytes().all(|b| b.is_ascii_hexdigit());
        match (format, digest) {
            (Format::Sha256, false) => Err(Refusal::new(ResultCode::Format, why)),
            _ => Ok((kind, format)),
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").finish_non_exhaustive()
    }
}
