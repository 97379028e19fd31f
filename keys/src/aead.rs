//! AES-256-GCM (NIST SP 800-38D), one place for the two things that cannot fail with the sizes we use.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// Bytes of a nonce.
pub(crate) const NONCE: usize = 12;
/// Bytes of a tag.
pub(crate) const TAG: usize = 16;

/// An AES-256-GCM key, expanded.
pub(crate) struct Cipher(LessSafeKey);

impl Cipher {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        match UnboundKey::new(&AES_256_GCM, key) {
            Ok(key) => Cipher(LessSafeKey::new(key)),
            Err(_) => unreachable!("AES-256-GCM takes every key of 32 bytes"),
        }
    }

    /// Encrypts in place; `data` is under 64 GiB, the bound of the cipher.
    pub(crate) fn seal(&self, nonce: [u8; NONCE], aad: &[u8], data: &mut [u8]) -> [u8; TAG] {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let mut out = [0; TAG];
        match self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(aad), data)
        {
            Ok(tag) => out.copy_from_slice(tag.as_ref()),
            Err(_) => unreachable!("no caller seals 64 GiB at once"),
        }
        out
    }

    /// Decrypts `ciphertext ‖ tag` in place.
    pub(crate) fn open<'a>(
        &self,
        nonce: [u8; NONCE],
        aad: &[u8],
        data: &'a mut [u8],
    ) -> Option<&'a mut [u8]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.open_in_place(nonce, Aad::from(aad), data).ok()
    }
}
