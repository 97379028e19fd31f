//! The SHA-256 of a canonical identifier, computed here or brought by a party that holds nothing else.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

use super::{IdentifierType, Malformed};

/// SHA-256 of the empty string.
const OF_NOTHING: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// The state that SHA-256 starts from (FIPS 180-4, section 5.3.3).
pub(crate) const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Bytes that a last block has room for beside its padding.
const ROOM: usize = 55;

/// The last block of a message of which `before` bytes, whole blocks, are done: the `N` bytes that are
/// left, at most 55, padded as FIPS 180-4 says in section 5.1.1.
pub(crate) fn last_block<const N: usize>(left: &[u8; N], before: usize) -> [u8; 64] {
    const { assert!(N <= ROOM) };
    let mut block = [0; 64];
    block[..N].copy_from_slice(left);
    pad(&mut block, N, before);
    block
}

fn pad(block: &mut [u8; 64], left: usize, before: usize) {
    block[left] = 0x80;
    let bits = 8 * (before + left) as u64;
    block[56..].copy_from_slice(&bits.to_be_bytes());
}

/// SHA-256; what fits in one block is compressed at once.
fn sha256(message: &[u8]) -> [u8; 32] {
    if message.len() > ROOM {
        return Sha256::digest(message).into();
    }
    let mut block = [0; 64];
    block[..message.len()].copy_from_slice(message);
    pad(&mut block, message.len(), 0);
    bytes(compressed(START, &block))
}

/// The state after one more block. It runs on the SHA extensions where the machine has them.
pub(crate) fn compressed(mut state: [u32; 8], block: &[u8; 64]) -> [u32; 8] {
    compress256(&mut state, core::slice::from_ref(block));
    state
}

/// A state as the 32 bytes of a digest.
pub(crate) fn bytes(state: [u32; 8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (four, word) in bytes.chunks_exact_mut(4).zip(state) {
        four.copy_from_slice(&word.to_be_bytes());
    }
    bytes
}

/// SHA-256 of a canonical identifier: 32 bytes, personal data. Neither prints nor serialises.
///
/// ```compile_fail
/// fn needs_display<T: std::fmt::Display>(_: T) {}
/// fn show(digest: tamis_protocols::identifier::IdentifierDigest) { needs_display(digest) }
/// ```
/// ```compile_fail
/// fn needs_serialize<T: serde::Serialize>(_: T) {}
/// fn store(digest: tamis_protocols::identifier::IdentifierDigest) { needs_serialize(digest) }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdentifierDigest(pub(crate) [u8; 32]);

impl IdentifierDigest {
    /// The digest of a canonical form.
    pub fn of(canonical: &str) -> Self {
        IdentifierDigest::of_bytes(canonical.as_bytes())
    }

    /// The digest of a canonical form's bytes.
    pub(super) fn of_bytes(canonical: &[u8]) -> Self {
        IdentifierDigest(sha256(canonical))
    }

    /// The 32 bytes, for the token protocol.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for IdentifierDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentifierDigest(hidden)")
    }
}

/// Reads a cell that holds the SHA-256 of a normalised identifier: 64 hexadecimal digits of either
/// case, or 44 characters of standard base64 with padding. Surrounding white space is ignored.
///
/// Errors: [`Malformed::Md5`] and [`Malformed::Sha1`] by length, [`Malformed::DigestOfNothing`] for the
/// SHA-256 of the empty string, [`Malformed::NotInProfile`] for postal addresses, which are never
/// accepted hashed, [`Malformed::NotADigest`] for everything else.
pub fn prehashed(kind: IdentifierType, cell: &str) -> Result<IdentifierDigest, Malformed> {
    let cell = cell.trim();
    if cell.is_empty() {
        return Err(Malformed::Empty);
    }
    if kind == IdentifierType::Postal {
        return Err(Malformed::NotInProfile);
    }
    let bytes = digest_bytes(cell).ok_or(Malformed::NotADigest)?;
    let digest: [u8; 32] = match bytes.len() {
        16 => return Err(Malformed::Md5),
        20 => return Err(Malformed::Sha1),
        _ => bytes.try_into().map_err(|_| Malformed::NotADigest)?,
    };
    if digest == OF_NOTHING {
        return Err(Malformed::DigestOfNothing);
    }
    Ok(IdentifierDigest(digest))
}

/// What a cell of a *raw* column is if it looks like a digest, which must not be hashed a second time:
/// SHA-256 is in the wrong column, MD5 and SHA-1 are refused wherever they stand.
pub(super) fn hashed(cell: &str) -> Option<Malformed> {
    let is_hex = || cell.bytes().all(|byte| byte.is_ascii_hexdigit());
    match cell.len() {
        32 if is_hex() => Some(Malformed::Md5),
        40 if is_hex() => Some(Malformed::Sha1),
        64 if is_hex() => Some(Malformed::AlreadyHashed),
        44 if STANDARD.decode(cell).is_ok_and(|bytes| bytes.len() == 32) => {
            Some(Malformed::AlreadyHashed)
        }
        _ => None,
    }
}

/// The bytes of a cell that is hexadecimal or base64 and as long as a digest in use.
fn digest_bytes(cell: &str) -> Option<Vec<u8>> {
    match cell.len() {
        32 | 40 | 64 => hex::decode(cell).ok(),
        24 | 28 | 44 => STANDARD.decode(cell).ok(),
        _ => None,
    }
}
