//! Files that are written once: pages of one length, each opens only at its place in its file.
//!
//! The nonce of a page is its number. So a page may be sealed only once under one context: whoever
//! writes the file puts a fresh random value into the context, and a file that is begun anew is another
//! context. [`super::BlockCipher`] is for files that grow and are cut back. What tells that no page is
//! missing is the number of pages, kept and authenticated by the file's owner.

use super::EnvelopeError;
use crate::Secret;
use crate::aead::{Cipher, NONCE, TAG};
use crate::derive::derive;
use crate::purpose::Data;

/// The cipher of one write-once file: `page = ciphertext ‖ tag`, AES-256-GCM.
pub struct PageCipher(Cipher);

impl PageCipher {
    /// Bytes that a page grows by.
    pub const OVERHEAD: usize = TAG;

    /// The cipher of the file that `context` names, under its data key. The context is to be used for
    /// one writing of one file only.
    pub fn new(key: &Secret<Data>, context: &str) -> Self {
        let key: Secret<Data> = derive(key, &[b"tamis/v1/page\0", context.as_bytes()]);
        PageCipher(Cipher::new(key.expose()))
    }

    /// Encrypts page `number` in place; the last [`Self::OVERHEAD`] bytes of `page` receive the tag.
    /// A shorter `page` is left as it is and will not open.
    pub fn seal_in_place(&self, number: u64, page: &mut [u8]) {
        if let Some((text, room)) = page.split_last_chunk_mut::<TAG>() {
            *room = self.0.seal(nonce(number), &[], text);
        }
    }

    /// Decrypts page `number`; the plaintext is all of `page` but its last [`Self::OVERHEAD`] bytes.
    ///
    /// # Errors
    /// The page was altered, stood elsewhere, or was made under another key or context.
    pub fn open_in_place(&self, number: u64, page: &mut [u8]) -> Result<(), EnvelopeError> {
        match self.0.open(nonce(number), &[], page) {
            Some(_) => Ok(()),
            None => Err(EnvelopeError::Refused),
        }
    }
}

fn nonce(number: u64) -> [u8; NONCE] {
    let mut nonce = [0; NONCE];
    nonce[NONCE - 8..].copy_from_slice(&number.to_be_bytes());
    nonce
}
