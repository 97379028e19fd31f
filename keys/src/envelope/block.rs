//! Files as numbered blocks: a block opens only at its place in its file, and only the last one as the last.
//!
//! The nonce of a block is computed from the block itself (a synthetic nonce, as in RFC 5297), not from
//! its number: a file that lost its torn tail in a crash writes the same number again with other bytes,
//! and a counter would then repeat a nonce of AES-GCM, which gives both plaintexts away.

use ring::hmac::{Context, HMAC_SHA256, Key};

use super::EnvelopeError;
use crate::Secret;
use crate::aead::{Cipher, NONCE, TAG};
use crate::derive::derive;
use crate::purpose::Data;

/// The cipher of one file: `block = ciphertext ‖ nonce ‖ tag`.
///
/// A reader must see a block that opens with `last = true`; a file without one was cut.
/// Equal blocks at the same place of the same file encrypt to equal bytes.
pub struct BlockCipher {
    cipher: Cipher,
    nonces: Key,
}

impl BlockCipher {
    /// Bytes that a block grows by.
    pub const OVERHEAD: usize = NONCE + TAG;

    /// The cipher of the file that `context` names, under its data key.
    pub fn new(key: &Secret<Data>, context: &str) -> Self {
        let encryption: Secret<Data> = derive(key, &[b"tamis/v1/block\0", context.as_bytes()]);
        let nonces: Secret<Data> = derive(key, &[b"tamis/v1/block-nonce\0", context.as_bytes()]);
        BlockCipher {
            cipher: Cipher::new(encryption.expose()),
            nonces: Key::new(HMAC_SHA256, nonces.expose()),
        }
    }

    /// Encrypts block number `index`, under 64 GiB, in place; `buf` grows by [`Self::OVERHEAD`].
    pub fn seal_in_place(&self, index: u64, last: bool, buf: &mut Vec<u8>) {
        let aad = place(index, last);
        let nonce = self.nonce(&aad, buf);
        let tag = self.cipher.seal(nonce, &aad, buf);
        buf.reserve_exact(Self::OVERHEAD);
        buf.extend_from_slice(&nonce);
        buf.extend_from_slice(&tag);
    }

    /// Decrypts a block that was written as number `index`, last or not; the plaintext is a prefix of `buf`.
    pub fn open_in_place<'a>(
        &self,
        index: u64,
        last: bool,
        buf: &'a mut [u8],
    ) -> Result<&'a mut [u8], EnvelopeError> {
        let length = buf
            .len()
            .checked_sub(Self::OVERHEAD)
            .ok_or(EnvelopeError::Malformed)?;
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&buf[length..length + NONCE]);
        // The cipher wants the tag right behind the ciphertext.
        buf.copy_within(length + NONCE.., length);
        self.cipher
            .open(nonce, &place(index, last), &mut buf[..length + TAG])
            .ok_or(EnvelopeError::Refused)
    }

    fn nonce(&self, place: &[u8], plaintext: &[u8]) -> [u8; NONCE] {
        let mut context = Context::with_key(&self.nonces);
        context.update(place);
        context.update(plaintext);
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&context.sign().as_ref()[..NONCE]);
        nonce
    }
}

fn place(index: u64, last: bool) -> [u8; 9] {
    let mut place = [0; 9];
    place[..8].copy_from_slice(&index.to_be_bytes());
    place[8] = u8::from(last);
    place
}
