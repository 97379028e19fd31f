//! The commitment to one consent record, and the Merkle root over an upload's. SPEC.md, "Proof".

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest, Sha256};

use super::ConsentRecord;

/// Separates these bytes from any other use of HMAC-SHA256.
const DOMAIN: &[u8] = b"tamis/v2/consent-record";

/// The commitment to `record` under its own random `salt` (32 bytes): HMAC-SHA256 of the domain
/// and the canonical bytes, keyed by the salt. Without the salt it says nothing about the record.
pub fn commitment(salt: &[u8; 32], record: &ConsentRecord) -> [u8; 32] {
    commitment_to_bytes(salt, &record.to_bytes())
}

/// The same of a record in its canonical bytes ([`ConsentRecord::to_bytes`]).
pub fn commitment_to_bytes(salt: &[u8; 32], record: &[u8]) -> [u8; 32] {
    // A 32-byte key is never refused; the empty answer cannot be reached and commits to nothing.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(salt) else {
        return [0; 32];
    };
    mac.update(DOMAIN);
    mac.update(record);
    mac.finalize().into_bytes().into()
}

/// The RFC 6962 §2.1 Merkle tree head over a stream of leaves, in O(log n) memory: one 32-byte hash for
/// each bit set in the number of leaves, so at most 64.
#[derive(Clone, Default)]
pub struct RootBuilder {
    /// Heads of perfect subtrees, largest first; the sizes are the bits of `leaves`.
    heads: Vec<[u8; 32]>,
    leaves: u64,
}

impl RootBuilder {
    /// An empty tree.
    pub fn new() -> RootBuilder {
        RootBuilder::default()
    }

    /// Appends a leaf whose data are the 32 bytes of a commitment.
    pub fn push(&mut self, leaf: [u8; 32]) {
        let mut head = Sha256::new()
            .chain_update([0])
            .chain_update(leaf)
            .finalize()
            .into();
        let mut sizes = self.leaves;
        while sizes & 1 == 1 {
            let Some(left) = self.heads.pop() else { break };
            head = node_hash(&left, &head);
            sizes >>= 1;
        }
        self.heads.push(head);
        self.leaves += 1;
    }

    /// Leaves so far.
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// The root; of no leaves, the SHA-256 of the empty string.
    pub fn finish(mut self) -> [u8; 32] {
        let Some(mut root) = self.heads.pop() else {
            return Sha256::digest([]).into();
        };
        while let Some(left) = self.heads.pop() {
            root = node_hash(&left, &root);
        }
        root
    }
}

/// The hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let hash = Sha256::new()
        .chain_update([1])
        .chain_update(left)
        .chain_update(right);
    hash.finalize().into()
}
