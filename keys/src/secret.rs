//! A 32-byte secret that knows what it is for.
//!
//! It lives on the heap so that moving it leaves no copy behind, and is overwritten when dropped. What
//! still leaks: whatever a caller copies out of [`Secret::expose`], and what the system writes to swap.
//!
//! ```
//! use tamis_keys::{Secret, purpose::PairKey};
//! let secret: Secret<PairKey> = Secret::from_bytes([7; 32]);
//! assert!(secret.ct_eq(&Secret::from_bytes([7; 32])));
//! assert!(!secret.ct_eq(&Secret::from_bytes([8; 32])));
//! ```
//!
//! It cannot be printed,
//! ```compile_fail
//! let secret: tamis_keys::Secret<tamis_keys::purpose::PairKey> = tamis_keys::Secret::from_bytes([7; 32]);
//! println!("{secret}");
//! ```
//! not even for debugging,
//! ```compile_fail
//! let secret: tamis_keys::Secret<tamis_keys::purpose::PairKey> = tamis_keys::Secret::from_bytes([7; 32]);
//! println!("{secret:?}");
//! ```
//! cannot be cloned,
//! ```compile_fail
//! let secret: tamis_keys::Secret<tamis_keys::purpose::PairKey> = tamis_keys::Secret::from_bytes([7; 32]);
//! let _ = secret.clone();
//! ```
//! or copied,
//! ```compile_fail
//! let secret: tamis_keys::Secret<tamis_keys::purpose::PairKey> = tamis_keys::Secret::from_bytes([7; 32]);
//! let moved = secret;
//! secret.expose();
//! ```
//! cannot be serialised,
//! ```compile_fail
//! fn serialise(_: &impl serde::Serialize) {}
//! let secret: tamis_keys::Secret<tamis_keys::purpose::PairKey> = tamis_keys::Secret::from_bytes([7; 32]);
//! serialise(&secret);
//! ```
//! (where its bytes could be),
//! ```
//! fn serialise(_: &impl serde::Serialize) {}
//! let secret: tamis_keys::Secret<tamis_keys::purpose::PairKey> = tamis_keys::Secret::from_bytes([7; 32]);
//! serialise(secret.expose());
//! ```
//! cannot be compared in variable time,
//! ```compile_fail
//! let secret: tamis_keys::Secret<tamis_keys::purpose::PairKey> = tamis_keys::Secret::from_bytes([7; 32]);
//! let _ = secret == tamis_keys::Secret::from_bytes([7; 32]);
//! ```
//! and cannot stand in for a secret of another purpose.
//! ```compile_fail
//! use tamis_keys::{Secret, purpose::{PairKey, PairSecret}};
//! let secret: Secret<PairSecret> = Secret::from_bytes([7; 32]);
//! let other: Secret<PairKey> = secret;
//! ```

use core::marker::PhantomData;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::{Entropy, Purpose};

/// 32 secret bytes for the purpose `P`.
pub struct Secret<P: Purpose> {
    bytes: Box<[u8; 32]>,
    purpose: PhantomData<fn() -> P>,
}

impl<P: Purpose> Secret<P> {
    /// Takes 32 bytes; the caller's own copy is the caller's to erase.
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let mut secret = Secret::empty();
        secret.bytes.copy_from_slice(&bytes);
        bytes.zeroize();
        secret
    }

    /// Takes exactly 32 bytes, or nothing.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut secret = Secret::empty();
        if bytes.len() != secret.bytes.len() {
            return None;
        }
        secret.bytes.copy_from_slice(bytes);
        Some(secret)
    }

    /// 32 fresh random bytes.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut secret = Secret::empty();
        entropy.fill(&mut secret.bytes[..]);
        secret
    }

    /// The bytes, for the one computation that needs them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Equality in constant time.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&*other.bytes).into()
    }

    /// Another handle on the same bytes, for holders inside this crate.
    pub(crate) fn duplicate(&self) -> Self {
        let mut secret = Secret::empty();
        secret.bytes.copy_from_slice(&self.bytes[..]);
        secret
    }

    fn empty() -> Self {
        Secret {
            bytes: Box::new([0; 32]),
            purpose: PhantomData,
        }
    }
}

impl<P: Purpose> Drop for Secret<P> {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}
