//! What a party answers to a sample: a signed document with the proofs of its own records that were drawn.

use serde::{Deserialize, Serialize};
use tamis_keys::signing::{self, SigningKey};

use crate::consent::RecordProof;

const DOMAIN: &[u8] = b"tamis/v1/substantiation\0";

/// The document that a party signs, as the exact bytes of its JSON form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Substantiation {
    /// 1.
    pub version: u32,
    /// The sample's id.
    pub sample: String,
    /// The party's name.
    pub party: String,
    /// Proofs of drawn records of its uploads.
    pub proofs: Vec<RecordProof>,
    /// What it has to say of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

impl Substantiation {
    /// The version of the document.
    pub const VERSION: u32 = 1;
    /// Proofs in one document, at most.
    pub const MOST: usize = 500;
}

/// A line of a pack's samples: a sample, then its substantiations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SampleLine {
    /// What was drawn: everything that the draw is computed from.
    Sample {
        /// 32 hexadecimal digits.
        id: String,
        /// Who asked for it.
        auditor: String,
        /// The signed checkpoint that it was drawn from.
        checkpoint: String,
        /// Text of the auditor's, at most 64 bytes; may be empty.
        nonce: String,
        /// Records wanted.
        n: u32,
        /// Only uploads of this collaboration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        collaboration: Option<String>,
    },
    /// An answer to the sample before.
    Substantiation {
        /// [`Substantiation`], the exact signed bytes.
        document: String,
        /// Ed25519, base64.
        signature: String,
    },
}

/// Signs the exact bytes of a substantiation: Ed25519 over `"tamis/v1/substantiation" ‖ 0x00 ‖ document`.
pub fn sign_substantiation(key: &SigningKey, document: &[u8]) -> [u8; 64] {
    key.sign(&[DOMAIN, document].concat())
}

/// Whether `signature` is one of this substantiation under the public key.
pub fn verify_substantiation(public: &[u8; 32], document: &[u8], signature: &[u8]) -> bool {
    signing::verify(public, &[DOMAIN, document].concat(), signature)
}
