//! Pairing: how two parties sign terms and agree on a pair secret that the service relays but never has.
//!
//! The flow: the advertiser draws a share, seals it to the partner's key and proposes signed terms with
//! it; the partner answers with its own share and its signature over the same bytes. Each opens the
//! other's share and derives the pair secret from both. Then the two compare a fingerprint out of band.
//!
//! Who learns what: the service sees terms, signatures and sealed shares. HPKE's base mode does not say
//! who sealed, so a service that lies about public keys could sit between the two; the fingerprint
//! covers every key that a side used, and then differs. Source: RFC 9180, RFC 8032, RFC 5869; SPEC.md.

use sha2::{Digest, Sha256};
use tamis_keys::derive::combine;
use tamis_keys::purpose::{PairSecret, PairShare, Sealing};
use tamis_keys::sealing::{self, SealingError};
use tamis_keys::signing::{self, SigningKey};
use tamis_keys::{Entropy, Secret};

mod fingerprint;

pub use fingerprint::fingerprint;

/// Bytes of a sealed share.
pub const SEALED_SHARE_LEN: usize = 32 + sealing::OVERHEAD;

const TERMS: &[u8] = b"tamis/v1/terms\0";
const TIGHTENING: &[u8] = b"tamis/v1/tightening\0";

/// Why a share cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairingError {
    /// The other party's sealing key is not a usable X25519 public key.
    #[error("the other party's sealing key is not usable: it must enrol again")]
    BadKey,
    /// A name is too long to be one.
    #[error("the name of a collaboration or party is too long")]
    TooLong,
    /// The share was not sealed to this party for this collaboration by the one named, or was altered.
    #[error(
        "the other party's share does not open: it was made for another collaboration or key, or was altered on its way"
    )]
    Refused,
}

/// The id of a collaboration: the first 16 bytes of SHA-256 of its terms, in hexadecimal.
pub fn collaboration_id(terms: &[u8]) -> String {
    hex::encode(&Sha256::digest(terms)[..16])
}

/// Signs the exact bytes of terms: Ed25519 over `"tamis/v1/terms" ‖ 0x00 ‖ terms`.
pub fn sign_terms(key: &SigningKey, terms: &[u8]) -> [u8; 64] {
    key.sign(&[TERMS, terms].concat())
}

/// Whether `signature` is one of these terms under the public key.
pub fn verify_terms(public: &[u8; 32], terms: &[u8], signature: &[u8]) -> bool {
    signing::verify(public, &[TERMS, terms].concat(), signature)
}

/// Signs the exact bytes of a tightening: Ed25519 over `"tamis/v1/tightening" ‖ 0x00 ‖ document`.
pub fn sign_tightening(key: &SigningKey, document: &[u8]) -> [u8; 64] {
    key.sign(&[TIGHTENING, document].concat())
}

/// Whether `signature` is one of this tightening under the public key.
pub fn verify_tightening(public: &[u8; 32], document: &[u8], signature: &[u8]) -> bool {
    signing::verify(public, &[TIGHTENING, document].concat(), signature)
}

/// Seals a party's share to the other party: [`SEALED_SHARE_LEN`] bytes. `from` and `to` are names.
pub fn seal_share(
    share: &Secret<PairShare>,
    collaboration: &str,
    from: &str,
    to: &str,
    to_key: &[u8; 32],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, PairingError> {
    let info = share_info(collaboration, from, to);
    sealing::seal(to_key, &info, &[], share.expose(), entropy).map_err(PairingError::from)
}

/// Opens the share that `from` sealed to `to`, who holds `key`.
pub fn open_share(
    key: &Secret<Sealing>,
    collaboration: &str,
    from: &str,
    to: &str,
    sealed: &[u8],
) -> Result<Secret<PairShare>, PairingError> {
    let info = share_info(collaboration, from, to);
    let plain = sealing::open(key, &info, &[], sealed)?;
    Secret::from_slice(&plain).ok_or(PairingError::Refused)
}

/// What both sides must have seen alike: the collaboration and all four public keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// Id of the collaboration.
    pub collaboration: String,
    /// The advertiser's Ed25519 public key.
    pub advertiser_signing: [u8; 32],
    /// The partner's Ed25519 public key.
    pub partner_signing: [u8; 32],
    /// The advertiser's X25519 public key.
    pub advertiser_sealing: [u8; 32],
    /// The partner's X25519 public key.
    pub partner_sealing: [u8; 32],
}

impl Transcript {
    /// SHA-256 over `"tamis/v1/pairing" ‖ lp(collaboration) ‖` the four keys in the order of the fields.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"tamis/v1/pairing");
        hash.update(prefixed(&[&self.collaboration]));
        hash.update(self.advertiser_signing);
        hash.update(self.partner_signing);
        hash.update(self.advertiser_sealing);
        hash.update(self.partner_sealing);
        hash.finalize().into()
    }
}

/// The pair secret: HKDF-SHA256 over both shares, salted with the transcript. Both shares are needed, and
/// a party that saw other keys gets another secret.
pub fn pair_secret(
    advertiser_share: &Secret<PairShare>,
    partner_share: &Secret<PairShare>,
    transcript: &Transcript,
) -> Secret<PairSecret> {
    combine(
        &[advertiser_share, partner_share],
        &transcript.digest(),
        &[b"tamis/v1/pair-secret"],
    )
}

fn share_info(collaboration: &str, from: &str, to: &str) -> Vec<u8> {
    let mut info = b"tamis/v1/pair-share".to_vec();
    info.extend(prefixed(&[collaboration, from, to]));
    info
}

/// Each text behind its length in bytes, 4 bytes big-endian.
pub(crate) fn prefixed(texts: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for text in texts {
        out.extend_from_slice(&(text.len() as u32).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

impl From<SealingError> for PairingError {
    fn from(error: SealingError) -> Self {
        match error {
            SealingError::BadKey => PairingError::BadKey,
            SealingError::TooLong => PairingError::TooLong,
            SealingError::Refused => PairingError::Refused,
        }
    }
}

#[cfg(test)]
mod tests;
