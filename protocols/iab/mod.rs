//! Consent strings of the IAB: TC strings (TCF 2.0 to 2.3) and GPP strings, read in full.
//!
//! Flow: a string is read strictly ([`Malformed`] says what is wrong with it). A [`tcf::TcString`] that was
//! read is not yet good for anything: [`tcf::TcString::judge`] applies the rules of validity on a day and
//! gives [`tcf::Valid`], which alone answers whether a vendor may process for a purpose. A
//! [`gpp::GppString`] is a header and sections, of which a TC string may be one; the American ones say what
//! a person opted out of. [`to_record`] makes a consent record of either.
//!
//! Who learns what: a string names no person. It is read where the consent record is made, and is not kept.
//!
//! Nothing here panics on foreign text, and memory is bounded by [`LONGEST`].
//!
//! Source: IAB Tech Lab, "Consent string and vendor list formats v2" and "Global Privacy Platform String";
//! SPEC.md for what they leave open.

use thiserror::Error;

mod bits;
pub mod gpp;
mod ids;
mod numbers;
mod record;
pub mod tcf;

pub use bits::Letters;
pub use ids::Ids;
pub use record::{Unusable, to_record};

/// The longest string that is read, in characters. Real ones have a few hundred to a few thousand.
pub const LONGEST: usize = 16_384;

/// Why a text is no consent string. No part of the text is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Malformed {
    /// Longer than [`LONGEST`].
    #[error("it is longer than 16,384 characters")]
    TooLong,
    /// A character that is not of base64url, or not of the section's alphabet.
    #[error("a character does not belong there")]
    Character,
    /// The text ends within a field.
    #[error("it ends in the middle of a field")]
    Truncated,
    /// Other than zeros after the last field.
    #[error("something follows the last field")]
    Trailing,
    /// A type or version of string, section or segment that is not known.
    #[error("its version is not known")]
    Version,
    /// A language or country that is not two letters.
    #[error("a language or country is not two letters")]
    Letters,
    /// A list of ids with 0, with a range that runs backwards, or beyond its stated maximum.
    #[error("a list of vendors or sections is out of order")]
    Ids,
    /// A publisher restriction on no purpose or of no type.
    #[error("a publisher restriction is of no known type or purpose")]
    Restriction,
    /// A segment of unknown type, or one twice.
    #[error("a segment is unknown or there twice")]
    Segment,
    /// As many sections as the header lists are not there.
    #[error("the header lists other sections than there are")]
    Sections,
    /// A value that its field does not have.
    #[error("a field has a value that does not exist")]
    Value,
    /// It reads in two ways that say different things.
    #[error("it can be read in two ways")]
    Ambiguous,
}

#[cfg(test)]
mod tests;
