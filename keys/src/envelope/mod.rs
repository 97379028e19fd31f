//! Envelope encryption: one data key per stored object, wrapped by the key-encryption key.
//!
//! Every ciphertext is bound to a context string that says what it is (`"upload/<id>/spool"`), so it
//! cannot be moved to another place. [`wrap`] protects data keys, [`seal`] small objects, and
//! [`BlockCipher`] and [`PageCipher`] files. Who reads the disk learns lengths, nothing else. Formats: SPEC.md.

mod block;
mod page;

use core::fmt;
use core::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::aead::{Cipher, NONCE, TAG};
use crate::derive::derive;
use crate::purpose::{Data, KeyEncryption};
use crate::{Entropy, Secret};

pub use block::BlockCipher;
pub use page::PageCipher;

const WRAPPED: usize = NONCE + 32 + TAG;

/// What can be wrong with a stored ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not the length or alphabet of such a ciphertext.
    #[error("a stored ciphertext is malformed")]
    Malformed,
    /// Altered, moved from where it was written, or encrypted under another key.
    #[error(
        "a stored ciphertext does not open: it was altered or moved, or the key is another one"
    )]
    Refused,
}

/// A data key encrypted under a key-encryption key: base64 of `nonce ‖ ciphertext ‖ tag`, 80 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey(String);

impl fmt::Display for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for WrappedKey {
    type Err = EnvelopeError;

    fn from_str(text: &str) -> Result<Self, EnvelopeError> {
        match STANDARD.decode(text) {
            Ok(bytes) if bytes.len() == WRAPPED => Ok(WrappedKey(text.to_owned())),
            _ => Err(EnvelopeError::Malformed),
        }
    }
}

/// Wraps a data key for `context`. Random nonces: at most 2^32 wraps under one key-encryption key.
pub fn wrap(
    kek: &Secret<KeyEncryption>,
    key: &Secret<Data>,
    context: &str,
    entropy: &dyn Entropy,
) -> WrappedKey {
    let mut nonce = [0; NONCE];
    entropy.fill(&mut nonce);
    let mut body = Zeroizing::new(*key.expose());
    let tag = Cipher::new(kek.expose()).seal(nonce, &wrap_aad(context), &mut body[..]);
    WrappedKey(STANDARD.encode([&nonce[..], &body[..], &tag[..]].concat()))
}

/// Unwraps a data key that was wrapped for the same `context`.
pub fn unwrap(
    kek: &Secret<KeyEncryption>,
    wrapped: &WrappedKey,
    context: &str,
) -> Result<Secret<Data>, EnvelopeError> {
    let bytes = STANDARD
        .decode(&wrapped.0)
        .map_err(|_| EnvelopeError::Malformed)?;
    let mut bytes = Zeroizing::new(bytes);
    let (nonce, body) = bytes
        .split_first_chunk_mut::<NONCE>()
        .ok_or(EnvelopeError::Malformed)?;
    let plain = Cipher::new(kek.expose())
        .open(*nonce, &wrap_aad(context), body)
        .ok_or(EnvelopeError::Refused)?;
    Secret::from_slice(plain).ok_or(EnvelopeError::Malformed)
}

/// Encrypts a small object for `context`: `nonce ‖ ciphertext ‖ tag`, 28 bytes longer than the plaintext.
pub fn seal(key: &Secret<Data>, plaintext: &[u8], context: &str, entropy: &dyn Entropy) -> Vec<u8> {
    let mut nonce = [0; NONCE];
    entropy.fill(&mut nonce);
    let mut out = Vec::with_capacity(NONCE + plaintext.len() + TAG);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(plaintext);
    let tag = object_cipher(key, context).seal(nonce, &[], &mut out[NONCE..]);
    out.extend_from_slice(&tag);
    out
}

/// Decrypts what [`seal`] made for the same `context`.
pub fn open(
    key: &Secret<Data>,
    sealed: &[u8],
    context: &str,
) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
    let (nonce, body) = sealed
        .split_first_chunk::<NONCE>()
        .ok_or(EnvelopeError::Malformed)?;
    let mut body = Zeroizing::new(body.to_vec());
    let length = object_cipher(key, context)
        .open(*nonce, &[], &mut body)
        .ok_or(EnvelopeError::Refused)?
        .len();
    body.truncate(length);
    Ok(body)
}

fn wrap_aad(context: &str) -> Vec<u8> {
    [b"tamis/v1/wrap\0", context.as_bytes()].concat()
}

fn object_cipher(key: &Secret<Data>, context: &str) -> Cipher {
    let key: Secret<Data> = derive(key, &[b"tamis/v1/object\0", context.as_bytes()]);
    Cipher::new(key.expose())
}

#[cfg(test)]
mod tests;
