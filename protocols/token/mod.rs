//! Tokens: keyed pseudonyms of identifiers, the keyed protocol (server-aided private set intersection).
//!
//! The flow: two parties share a pair secret that the operator never has ([`crate::pairing`]). Each
//! derives the epoch's pair key from it and turns the digest of every identifier into a token; equal
//! identifiers give equal tokens, and the service compares tokens only.
//!
//! Who learns what: the operator sees pseudonyms, and that two rows of one collaboration and epoch share
//! one; it cannot test a guess without the pair key. Tokens of other collaborations or epochs are
//! unrelated. An operator that colludes with one of the two parties can guess: the blind protocol is
//! for that. Source: HMAC (RFC 2104), HKDF (RFC 5869); SPEC.md beside this file.

use core::fmt;

use hmac::{Hmac, KeyInit as _};
use sha2::Sha256;
use tamis_keys::derive::derive;
use tamis_keys::purpose::{PairKey, PairSecret};
use tamis_keys::{Epoch, Secret};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::identifier::{IdentifierDigest, IdentifierType, digest};

/// Bytes of a token.
pub const TOKEN_LEN: usize = 16;

const VERSION: u8 = 1;
/// Bytes of what is authenticated.
const MESSAGE: usize = 4 + 32;
/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

/// A 16-byte pseudonym of one identifier in one collaboration and epoch. Still personal data: it has no
/// `Display`, is not serialised by itself, and its `Debug` says nothing.
///
/// ```compile_fail
/// println!("{}", tamis_protocols::token::Token([0; 16]));
/// ```
/// ```compile_fail
/// fn serialise(_: &impl serde::Serialize) {}
/// serialise(&tamis_protocols::token::Token([0; 16]));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub [u8; TOKEN_LEN]);

impl Token {
    /// 32 lowercase hexadecimal digits, as in a withdrawal.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The inverse of [`Token::to_hex`]; nothing else is accepted.
    pub fn from_hex(text: &str) -> Option<Token> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let mut bytes = [0; TOKEN_LEN];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Token(bytes))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The key of one collaboration and epoch:
/// `HKDF-SHA256(ikm = pair secret, info = "tamis/v1/pair-key" ‖ collaboration ‖ epoch)`.
pub fn pair_key(secret: &Secret<PairSecret>, collaboration: &str, epoch: Epoch) -> Secret<PairKey> {
    derive(
        secret,
        &[
            b"tamis/v1/pair-key",
            collaboration.as_bytes(),
            &epoch.to_be_bytes(),
        ],
    )
}

/// Makes the tokens of one collaboration and epoch. The key is expanded once; a token costs two
/// compressions of SHA-256 and nothing else. The states are as secret as the key: erased when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Tokeniser {
    /// After the first block of the inner hash, the key with `0x36`.
    inner: [u32; 8],
    /// After the first block of the outer hash, the key with `0x5c`.
    outer: [u32; 8],
}

impl Tokeniser {
    /// Expands the pair key.
    pub fn new(key: &Secret<PairKey>) -> Self {
        let state = |pad: u8| {
            let mut block = [pad; BLOCK];
            for (byte, key) in block.iter_mut().zip(key.expose()) {
                *byte ^= key;
            }
            let state = digest::compressed(digest::START, &block);
            block.zeroize();
            state
        };
        Tokeniser {
            inner: state(0x36),
            outer: state(0x5c),
        }
    }

    /// `HMAC-SHA256(pair key, 0x01 ‖ type ‖ 0x0020 ‖ digest)`, the first 16 bytes.
    pub fn token(&self, kind: IdentifierType, digest: &IdentifierDigest) -> Token {
        let digest = digest.as_bytes();
        let mut message = [0; MESSAGE];
        message[0] = VERSION;
        message[1] = kind as u8;
        message[2..4].copy_from_slice(&(digest.len() as u16).to_be_bytes());
        message[4..].copy_from_slice(digest);
        let mut token = [0; TOKEN_LEN];
        token.copy_from_slice(&self.mac(&message)[..TOKEN_LEN]);
        Token(token)
    }

    /// HMAC-SHA256 of a message so short that each of the two hashes has one more block.
    fn mac(&self, message: &[u8; MESSAGE]) -> [u8; 32] {
        let inner = digest::bytes(digest::compressed(
            self.inner,
            &digest::last_block(message, BLOCK),
        ));
        digest::bytes(digest::compressed(
            self.outer,
            &digest::last_block(&inner, BLOCK),
        ))
    }
}

/// HMAC-SHA256 with its key absorbed. A key of 32 bytes is padded to the block with zeros (RFC 2104).
pub(crate) fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    block[..32].copy_from_slice(key);
    let mac = Hmac::new(&block);
    block[..].zeroize();
    mac
}

#[cfg(test)]
mod tests;
