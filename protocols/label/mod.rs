//! Labels: cookies sealed to their destination, so that the operator carries what it cannot read.
//!
//! The flow: for one upload and destination the partner sets up one HPKE context to the destination's
//! public key; the 32 bytes `enc` travel in the upload's header. Every cookie gets a key of its own from
//! the context's exporter and becomes a label of 88 bytes. The destination, and nobody else, opens it.
//!
//! Who learns what: the operator sees labels of equal length. A label's id is a keyed hash that only the
//! partner can compute, so two destinations that lay their labels side by side cannot tell which come
//! from one row. For differences between states the partner gives every cookie a pseudonym
//! ([`CookieTagger`]) under a key of its own. Source: RFC 9180 §5.1.1 and §5.3; SPEC.md.

mod padding;
mod tag;

use hmac::{Hmac, Mac};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sha2::Sha256;
use tamis_keys::purpose::{Data, Sealing};
use tamis_keys::sealing::{ExportReceiver, ExportSender, SealingError};
use tamis_keys::{Entropy, Secret};

use crate::pairing::prefixed;
use crate::token::keyed;

pub use padding::{COOKIE_MAX, PADDED_LEN};
pub use tag::{COOKIE_TAG_LEN, CookieTagger, cookie_tag};

/// Bytes of a label: id ‖ ciphertext of the padded cookie ‖ tag.
pub const LABEL_LEN: usize = ID_LEN + PADDED_LEN + TAG_LEN;

const ID_LEN: usize = 8;
const TAG_LEN: usize = 16;

/// What the labels of one upload and destination are bound to; `enc`, fresh for every upload, is bound
/// by HPKE itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelContext<'a> {
    /// Id of the collaboration.
    pub collaboration: &'a str,
    /// Name of the destination.
    pub destination: &'a str,
}

impl LabelContext<'_> {
    /// HPKE's `info`: `"tamis/v1/label" ‖ lp(collaboration) ‖ lp(destination)`.
    fn info(&self) -> Vec<u8> {
        let mut info = b"tamis/v1/label".to_vec();
        info.extend(prefixed(&[self.collaboration, self.destination]));
        info
    }
}

/// Why a label cannot be made or opened. Never says what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// The destination's key is not a usable X25519 public key.
    #[error("the destination's sealing key is not usable: it must enrol again")]
    BadKey,
    /// A name is too long to be one.
    #[error("the name of a collaboration or destination is too long")]
    TooLong,
    /// A cookie is empty or longer than 63 bytes.
    #[error("a cookie must have 1 to 63 bytes")]
    CookieLength,
    /// Not a label for this key and context, or altered.
    #[error(
        "a label does not open: it is for another destination, collaboration or upload, or was altered"
    )]
    Refused,
}

impl From<SealingError> for LabelError {
    fn from(error: SealingError) -> Self {
        match error {
            SealingError::BadKey => LabelError::BadKey,
            SealingError::TooLong => LabelError::TooLong,
            SealingError::Refused => LabelError::Refused,
        }
    }
}

/// Seals the cookies of one upload to one destination; usable from several threads.
pub struct LabelSealer {
    context: ExportSender,
    ids: Hmac<Sha256>,
}

impl LabelSealer {
    /// Sets up the context; `enc` goes into the upload's header. Draws 32 bytes for HPKE and 32 for ids.
    pub fn new(
        destination_key: &[u8; 32],
        context: &LabelContext<'_>,
        entropy: &dyn Entropy,
    ) -> Result<(Self, [u8; 32]), LabelError> {
        let (sender, enc) = ExportSender::new(destination_key, &context.info(), entropy)?;
        let ids: Secret<Data> = Secret::generate(entropy);
        let sealer = LabelSealer {
            context: sender,
            ids: keyed(ids.expose()),
        };
        Ok((sealer, enc))
    }

    /// Seals one cookie of 1 to 63 bytes. `row` is any number of the row in the upload: it spreads the
    /// ids and cannot be read back. Sealing the same row twice is harmless, whatever the cookie.
    pub fn seal(&self, row: u64, cookie: &[u8]) -> Result<[u8; LABEL_LEN], LabelError> {
        let mut padded = padding::pad(cookie).ok_or(LabelError::CookieLength)?;
        let id = self.id(row, &padded);
        let cipher = cipher(&self.context.export(&key_context(id))?);
        let tag = cipher
            .seal_in_place_separate_tag(nonce(), Aad::from(id), &mut padded)
            .map_err(|_| LabelError::Refused)?;
        let mut label = [0; LABEL_LEN];
        label[..ID_LEN].copy_from_slice(&id);
        label[ID_LEN..ID_LEN + PADDED_LEN].copy_from_slice(&padded);
        label[ID_LEN + PADDED_LEN..].copy_from_slice(tag.as_ref());
        Ok(label)
    }

    /// The key and nonce of a label depend on its id alone, so the id is made from all that it stands
    /// for: two different cookies share one with probability 2^-64 a pair.
    fn id(&self, row: u64, padded: &[u8; PADDED_LEN]) -> [u8; ID_LEN] {
        let mut mac = self.ids.clone();
        mac.update(&row.to_be_bytes());
        mac.update(padded);
        let mut id = [0; ID_LEN];
        id.copy_from_slice(&mac.finalize().into_bytes()[..ID_LEN]);
        id
    }
}

/// Opens the labels of one upload at their destination.
pub struct LabelOpener(ExportReceiver);

impl LabelOpener {
    /// Sets up the same context from `enc`.
    pub fn new(
        key: &Secret<Sealing>,
        enc: &[u8; 32],
        context: &LabelContext<'_>,
    ) -> Result<Self, LabelError> {
        Ok(LabelOpener(ExportReceiver::new(key, enc, &context.info())?))
    }

    /// The cookie of a label, 1 to 63 bytes.
    pub fn open(&self, label: &[u8; LABEL_LEN]) -> Result<Vec<u8>, LabelError> {
        let mut id = [0; ID_LEN];
        id.copy_from_slice(&label[..ID_LEN]);
        let cipher = cipher(&self.0.export(&key_context(id))?);
        let mut body = [0; PADDED_LEN + TAG_LEN];
        body.copy_from_slice(&label[ID_LEN..]);
        let padded = cipher
            .open_in_place(nonce(), Aad::from(id), &mut body)
            .map_err(|_| LabelError::Refused)?;
        padding::unpad(padded)
            .map(<[u8]>::to_vec)
            .ok_or(LabelError::Refused)
    }
}

fn key_context(id: [u8; ID_LEN]) -> [u8; 9 + ID_LEN] {
    let mut context = *b"label-key\0\0\0\0\0\0\0\0";
    context[9..].copy_from_slice(&id);
    context
}

/// Zero: every label has a key of its own.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

fn cipher(key: &Secret<Data>) -> LessSafeKey {
    match UnboundKey::new(&AES_256_GCM, key.expose()) {
        Ok(key) => LessSafeKey::new(key),
        Err(_) => unreachable!("AES-256-GCM takes every key of 32 bytes"),
    }
}

#[cfg(test)]
mod tests;
