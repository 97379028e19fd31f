//! HPKE (RFC 9180), base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
//!
//! Base mode does not say who sealed: whoever knows the public key can. Callers that need the sender
//! compare a fingerprint (pairing) or take the message from an authenticated channel.

use hpke::aead::{AeadCtxR, AeadCtxS, AesGcm256};
use hpke::kdf::HkdfSha256;
use hpke::kem::{Kem as KemTrait, X25519HkdfSha256};
use hpke::{Deserializable, OpModeR, OpModeS, Serializable};
use zeroize::Zeroizing;

use crate::entropy::EntropyRng;
use crate::purpose::Sealing;
use crate::{Entropy, Purpose, Secret};

type Kem = X25519HkdfSha256;

/// Bytes of an encapsulated key.
pub const ENCAPSULATED: usize = 32;
/// Bytes that a sealed message is longer than its plaintext.
pub const OVERHEAD: usize = ENCAPSULATED + 16;
/// Longest `info`, bytes.
pub const MAX_INFO: usize = 4096;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealingError {
    /// The recipient's key is not a usable X25519 public key.
    #[error("the recipient's sealing key is not a usable X25519 public key")]
    BadKey,
    /// `info` is over 4,096 bytes.
    #[error("the context of a sealed message is too long")]
    TooLong,
    /// Not sealed to this key, not for this context, or altered.
    #[error("a sealed message does not open: it is for another key or context, or was altered")]
    Refused,
}

/// The public key of a sealing secret.
pub fn public(secret: &Secret<Sealing>) -> [u8; 32] {
    match private_key(secret) {
        Ok(key) => Kem::sk_to_pk(&key).to_bytes().into(),
        Err(_) => unreachable!("every 32 bytes are an X25519 private key"),
    }
}

/// Seals one message: `enc ‖ ciphertext ‖ tag`.
pub fn seal(
    to: &[u8; 32],
    info: &[u8],
    aad: &[u8],
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealingError> {
    let (enc, mut context) = sender(to, info, entropy)?;
    let body = context
        .seal(plaintext, aad)
        .map_err(|_| SealingError::TooLong)?;
    Ok([&enc[..], &body[..]].concat())
}

/// Opens one message made by [`seal`] with the same `info` and `aad`.
pub fn open(
    secret: &Secret<Sealing>,
    info: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealingError> {
    let (enc, body) = sealed
        .split_first_chunk::<ENCAPSULATED>()
        .ok_or(SealingError::Refused)?;
    let mut context = receiver(secret, enc, info)?;
    let plaintext = context.open(body, aad).map_err(|_| SealingError::Refused)?;
    Ok(Zeroizing::new(plaintext))
}

/// The sender's side of one HPKE context that only exports secrets.
pub struct ExportSender(AeadCtxS<AesGcm256, HkdfSha256, Kem>);

/// The receiver's side of one HPKE context that only exports secrets.
pub struct ExportReceiver(AeadCtxR<AesGcm256, HkdfSha256, Kem>);

impl ExportSender {
    /// Sets a context up to the recipient's public key; the 32 bytes go to the recipient.
    pub fn new(
        to: &[u8; 32],
        info: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<(Self, [u8; ENCAPSULATED]), SealingError> {
        let (enc, context) = sender(to, info, entropy)?;
        Ok((ExportSender(context), enc))
    }

    /// `Context.Export(context, 32)`, RFC 9180 §5.3.
    pub fn export<P: Purpose>(&self, context: &[u8]) -> Result<Secret<P>, SealingError> {
        let mut out = Zeroizing::new([0; 32]);
        self.0
            .export(context, &mut out[..])
            .map_err(|_| SealingError::TooLong)?;
        Ok(Secret::from_bytes(*out))
    }
}

impl ExportReceiver {
    /// Sets the same context up from the encapsulated key.
    pub fn new(
        secret: &Secret<Sealing>,
        enc: &[u8; ENCAPSULATED],
        info: &[u8],
    ) -> Result<Self, SealingError> {
        receiver(secret, enc, info).map(ExportReceiver)
    }

    /// `Context.Export(context, 32)`, RFC 9180 §5.3.
    pub fn export<P: Purpose>(&self, context: &[u8]) -> Result<Secret<P>, SealingError> {
        let mut out = Zeroizing::new([0; 32]);
        self.0
            .export(context, &mut out[..])
            .map_err(|_| SealingError::TooLong)?;
        Ok(Secret::from_bytes(*out))
    }
}

type Sender = ([u8; ENCAPSULATED], AeadCtxS<AesGcm256, HkdfSha256, Kem>);

fn sender(to: &[u8; 32], info: &[u8], entropy: &dyn Entropy) -> Result<Sender, SealingError> {
    check(info)?;
    let to = <Kem as KemTrait>::PublicKey::from_bytes(to).map_err(|_| SealingError::BadKey)?;
    let (enc, context) = hpke::setup_sender_with_rng::<AesGcm256, HkdfSha256, Kem>(
        &OpModeS::Base,
        &to,
        info,
        &mut EntropyRng(entropy),
    )
    .map_err(|_| SealingError::BadKey)?;
    Ok((enc.to_bytes().into(), context))
}

fn receiver(
    secret: &Secret<Sealing>,
    enc: &[u8; ENCAPSULATED],
    info: &[u8],
) -> Result<AeadCtxR<AesGcm256, HkdfSha256, Kem>, SealingError> {
    check(info)?;
    let enc = <Kem as KemTrait>::EncappedKey::from_bytes(enc).map_err(|_| SealingError::Refused)?;
    hpke::setup_receiver(&OpModeR::Base, &private_key(secret)?, &enc, info)
        .map_err(|_| SealingError::Refused)
}

fn private_key(secret: &Secret<Sealing>) -> Result<<Kem as KemTrait>::PrivateKey, SealingError> {
    <Kem as KemTrait>::PrivateKey::from_bytes(secret.expose()).map_err(|_| SealingError::BadKey)
}

fn check(info: &[u8]) -> Result<(), SealingError> {
    if info.len() > MAX_INFO {
        return Err(SealingError::TooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;

    use super::*;
    use crate::entropy::tests::Counting;
    use crate::purpose::PairKey;

    #[test]
    fn a_message_opens_for_its_recipient_and_context_only() {
        let entropy = Counting::new();
        let secret = Secret::from_bytes([4; 32]);
        let sealed = seal(&public(&secret), b"info", b"aad", b"share", &entropy).unwrap();
        assert_eq!(sealed.len(), 5 + OVERHEAD);
        assert_eq!(
            open(&secret, b"info", b"aad", &sealed).unwrap().as_slice(),
            b"share"
        );
        assert!(open(&secret, b"other", b"aad", &sealed).is_err());
        assert!(open(&secret, b"info", b"other", &sealed).is_err());
        assert!(open(&Secret::from_bytes([5; 32]), b"info", b"aad", &sealed).is_err());
    }

    #[test]
    fn both_sides_export_the_same_secrets() {
        let secret = Secret::from_bytes([4; 32]);
        let (sender, enc) = ExportSender::new(&public(&secret), b"i", &Counting::new()).unwrap();
        let receiver = ExportReceiver::new(&secret, &enc, b"i").unwrap();
        let one: Secret<PairKey> = sender.export(b"1").unwrap();
        assert!(one.ct_eq(&receiver.export(b"1").unwrap()));
        assert!(!one.ct_eq(&receiver.export(b"2").unwrap()));
    }

    #[test]
    fn a_public_key_of_low_order_is_refused() {
        assert_eq!(
            seal(&[0; 32], b"", b"", b"x", &Counting::new()),
            Err(SealingError::BadKey)
        );
    }

    proptest! {
        #[test]
        fn random_bytes_never_open_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            prop_assert!(open(&Secret::from_bytes([4; 32]), b"", b"", &bytes).is_err());
        }
    }
}
