//! The documents that leaves have only digests of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::release::Policy;
use crate::wire::tightening::whole;

/// Longest line of a file of documents, bytes.
pub const LINE_MAX: usize = 4 << 20;

/// What stands behind a leaf. A pack has, in the order of the leaves, exactly those that this describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Document {
    /// Of an enrolment: the public keys, base64.
    Keys {
        /// Ed25519, 32 bytes.
        signing_key: String,
        /// X25519, 32 bytes, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sealing_key: Option<String>,
    },
    /// Of a proposal: the exact signed bytes, and the advertiser's signature, base64.
    Terms {
        /// [`crate::wire::terms::Terms`].
        terms: String,
        /// Ed25519, 64 bytes.
        signature: String,
    },
    /// Of an acceptance: the partner's signature over the same terms, base64.
    Acceptance {
        /// Ed25519, 64 bytes.
        signature: String,
    },
    /// Of a tightening: the exact signed bytes, and its party's signature, base64.
    Tightening {
        /// [`crate::wire::tightening::Tightening`].
        document: String,
        /// Ed25519, 64 bytes.
        signature: String,
    },
    /// Of the first leaf that names this policy, unless that is a tightening, which has it.
    Policy {
        /// [`Policy::VERSION`].
        version: u32,
        /// Every parameter.
        #[serde(deserialize_with = "whole")]
        policy: Policy,
    },
    /// Of an upload: what its `consent_root` binds.
    Upload {
        /// Records.
        rows: u64,
        /// Merkle root over their commitments, 64 hexadecimal digits.
        root: String,
    },
}

impl Document {
    /// One line, without its end.
    pub fn line(&self) -> String {
        match serde_json::to_string(self) {
            Ok(line) => line,
            Err(_) => unreachable!("text and numbers always have a JSON form"),
        }
    }
}

/// Exactly `N` bytes of standard base64 with padding.
pub(super) fn base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// Exactly 32 bytes of lowercase hexadecimal.
pub(super) fn digest(text: &str) -> Option<[u8; 32]> {
    let bytes = hex::decode(text).ok()?.try_into().ok()?;
    (hex::encode(bytes) == text).then_some(bytes)
}
