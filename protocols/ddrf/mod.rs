//! Deletion requests between companies: the IAB Tech Lab Data Deletion Request Framework, version 1.0.
//!
//! ```text
//! origin ──idJWT──▶ requester ──rqJWT( idJWT )──▶ recipient
//!                   requester ◀──acJWT( rqJWT )── recipient
//! ```
//! Each publishes `https://DOMAIN/dsrdelete.json`: where requests go, which identifiers it takes, and its
//! public keys ([`Discovery`]). A request is verified in two steps, because keys have to be fetched between
//! them: [`Incoming::parse`] says whose keys, [`Incoming::verify`] uses them. Tokens are made by a [`Signer`].
//!
//! Who learns what: the identifier is in the token, in the clear or as a plain digest, for everybody who gets
//! it. This part neither keeps nor prints it.
//!
//! Trust: the algorithm of a signature is that of the published key, never the one that a token asks for.
//! Whom to believe at all is the caller's to say; a signature only tells who asks.
//!
//! Source: Data Deletion Request Framework 1.0 (IAB Tech Lab, 2024); RFC 7515, 7517, 7519, 7638, 8037.

mod discovery;
mod incoming;
mod jwk;
mod jws;
mod refusal;
mod signer;
mod subject;

pub use discovery::{DISCOVERY_MAX, Discovery, Supported};
pub use incoming::{Acknowledgement, Incoming, Request, check_acknowledgement};
pub use jwk::Jwk;
pub use jws::TOKEN_MAX;
pub use refusal::{Refusal, ResultCode};
pub use signer::Signer;
pub use subject::{Format, Kind, Subject};

/// The version of the framework, in every token.
pub const VERSION: &str = "1.0";

/// The name of the resource at the root of a domain.
pub const RESOURCE: &str = "/dsrdelete.json";

/// Seconds that clocks may differ by.
pub const SKEW: i64 = 300;

/// Seconds after which a request is too old to be taken: a day.
pub const REQUEST_AGE: i64 = 24 * 3600;

/// Seconds after which what an origin signed is too old to be passed on: 90 days.
pub const ORIGIN_AGE: i64 = 90 * 24 * 3600;

/// Whether a text is a domain as it stands in `iss`: 1 to 253 lowercase letters, digits, hyphens and dots, no
/// label empty.
pub fn is_domain(text: &str) -> bool {
    let sign = |sign: u8| matches!(sign, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(sign)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests;
