//! Standard Webhooks signatures: who sent a message, that it is whole, and that it is fresh.
//!
//! `v1,` and base64(HMAC-SHA256(secret, `id.timestamp.body`)); several signatures, separated by
//! spaces, while a secret is being replaced. Source: the Standard Webhooks specification 1.0
//! (standardwebhooks.com), checked against its vector and against the PyPI package.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use tamis_keys::{Secret, purpose::Webhook};
use zeroize::Zeroizing;

/// Header naming the message; the same for every attempt.
pub const ID: &str = "webhook-id";
/// Header with the time of the attempt, seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// Header with the signatures.
pub const SIGNATURE: &str = "webhook-signature";

/// How far a timestamp may be from the receiver's clock, either way.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// Signatures looked at in one header: a sender rotates between two.
const MAX_SIGNATURES: usize = 8;

const SECRET_PREFIX: &str = "whsec_";

/// Why a text is not a webhook secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is `whsec_` and 32 bytes in base64")]
pub struct SecretError;

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The timestamp is not a whole number of seconds.
    #[error("the timestamp is not a number of seconds")]
    BadTimestamp,
    /// The timestamp is more than [`TOLERANCE`] away.
    #[error("the timestamp is more than five minutes from this clock")]
    NotFresh,
    /// No signature matches.
    #[error("no signature matches")]
    Unsigned,
}

/// The form in which a secret is given to a destination, once.
pub fn secret_text(secret: &Secret<Webhook>) -> Zeroizing<String> {
    let encoded = Zeroizing::new(STANDARD.encode(secret.expose()));
    let mut text = Zeroizing::new(String::with_capacity(SECRET_PREFIX.len() + encoded.len()));
    text.push_str(SECRET_PREFIX);
    text.push_str(&encoded);
    text
}

/// The inverse of [`secret_text`]; surrounding white space is ignored.
///
/// # Errors
/// Anything that is not `whsec_` and 32 bytes.
pub fn parse_secret(text: &str) -> Result<Secret<Webhook>, SecretError> {
    let encoded = text.trim().strip_prefix(SECRET_PREFIX).ok_or(SecretError)?;
    let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| SecretError)?);
    let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| SecretError)?;
    Ok(Secret::from_bytes(key))
}

/// The value of [`SIGNATURE`]: one signature per secret, in order.
///
/// `timestamp` is the time of the attempt in seconds since 1970, as sent in [`TIMESTAMP`].
pub fn sign(secrets: &[Secret<Webhook>], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signatures: Vec<String> = secrets
        .iter()
        .map(|secret| signature(secret.expose(), id, timestamp, body))
        .collect();
    signatures.join(" ")
}

/// What a receiver reads from the three headers.
#[derive(Clone, Copy)]
pub struct Headers<'a> {
    /// [`ID`].
    pub id: &'a str,
    /// [`TIMESTAMP`].
    pub timestamp: &'a str,
    /// [`SIGNATURE`].
    pub signature: &'a str,
}

/// Whether one of `secrets` signed this body under this id, within [`TOLERANCE`] of `now`.
///
/// Comparison takes the same time wherever two signatures differ.
///
/// # Errors
/// The reason, in words that help an integrator and no forger.
pub fn verify(
    secrets: &[Secret<Webhook>],
    headers: Headers<'_>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Rejection> {
    let digits = headers.timestamp.bytes().all(|b| b.is_ascii_digit());
    let timestamp: i64 = headers
        .timestamp
        .parse()
        .ok()
        .filter(|_| digits)
        .ok_or(Rejection::BadTimestamp)?;
    if now.as_second().abs_diff(timestamp) > TOLERANCE.as_secs() {
        return Err(Rejection::NotFresh);
    }
    for secret in secrets {
        let keyed = keyed(secret.expose(), headers.id, timestamp, body);
        for given in headers.signature.split(' ').take(MAX_SIGNATURES) {
            // `v1a` and whatever comes later is not ours to judge: skipped, not refused.
            let Some(encoded) = given.strip_prefix("v1,") else {
                continue;
            };
            let Ok(bytes) = STANDARD.decode(encoded) else {
                continue;
            };
            if keyed.clone().verify_slice(&bytes).is_ok() {
                return Ok(());
            }
        }
    }
    Err(Rejection::Unsigned)
}

fn signature(secret: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let tag = keyed(secret, id, timestamp, body).finalize().into_bytes();
    format!("v1,{}", STANDARD.encode(tag))
}

fn keyed(secret: &[u8], id: &str, timestamp: i64, body: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(id.as_bytes());
    mac.update(b".");
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
