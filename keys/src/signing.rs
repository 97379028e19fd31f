//! Ed25519 signatures (RFC 8032): terms of collaborations, the log's checkpoints, what witnesses say of them,
//! deletion requests.

use core::marker::PhantomData;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::purpose::{DeletionRequests, LogSigning, Signing, WitnessSigning};
use crate::{Purpose, Secret};

/// A purpose whose secrets are Ed25519 seeds.
pub trait Signs: Purpose {}
impl Signs for Signing {}
impl Signs for LogSigning {}
impl Signs for WitnessSigning {}
impl Signs for DeletionRequests {}

/// An Ed25519 key pair; a party's, unless said otherwise.
pub struct SigningKey<P: Signs = Signing> {
    pair: Ed25519KeyPair,
    purpose: PhantomData<fn() -> P>,
}

impl<P: Signs> SigningKey<P> {
    /// Expands the seed.
    pub fn from_secret(seed: &Secret<P>) -> Self {
        match Ed25519KeyPair::from_seed_unchecked(seed.expose()) {
            Ok(pair) => SigningKey {
                pair,
                purpose: PhantomData,
            },
            Err(_) => unreachable!("every 32 bytes are an Ed25519 seed"),
        }
    }

    /// Signs a message of any length; the signature is deterministic.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut out = [0; 64];
        out.copy_from_slice(self.pair.sign(message).as_ref());
        out
    }

    /// The public key.
    pub fn public(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(self.pair.public_key().as_ref());
        out
    }
}

/// Whether `signature` is one of `message` under the public key.
pub fn verify(public: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public)
        .verify(message, signature)
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::{SigningKey, verify};
    use crate::Secret;
    use crate::purpose::Signing;

    #[test]
    fn a_signature_holds_for_its_message_and_key_only() {
        let key = SigningKey::<Signing>::from_secret(&Secret::from_bytes([5; 32]));
        let signature = key.sign(b"terms");
        assert!(verify(&key.public(), b"terms", &signature));
        assert!(!verify(&key.public(), b"other", &signature));
        assert!(!verify(&[9; 32], b"terms", &signature));
        assert!(!verify(&key.public(), b"terms", &signature[..63]));
    }
}
