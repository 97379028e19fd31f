//! The proof that one record stood in a batch. SPEC.md, "Proof".

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ConsentRecord, commitment_to_bytes, node_hash};

/// Most hashes of a path: enough for 2⁴⁰ records.
pub const PATH_MAX: usize = 40;

/// Most bytes of a record that a proof is read with.
const RECORD_MAX: usize = 64 << 10;

/// What the log holds of a batch of `rows` records whose Merkle root is `root`: SHA-256(0x02 ‖ rows as
/// eight bytes, big-endian ‖ root). It binds how many records there are and tells nobody.
pub fn batch_head(rows: u64, root: &[u8; 32]) -> [u8; 32] {
    let hash = Sha256::new()
        .chain_update([2])
        .chain_update(rows.to_be_bytes())
        .chain_update(root);
    hash.finalize().into()
}

/// The leaf hash of a commitment: SHA-256(0x00 ‖ commitment).
pub fn leaf_hash(commitment: &[u8; 32]) -> [u8; 32] {
    let hash = Sha256::new().chain_update([0]).chain_update(commitment);
    hash.finalize().into()
}

/// Proof of one record of an upload. Without record and salt, and with the leaf instead, it is that of a
/// record that was erased: it shows that there was one, and nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RecordProof {
    /// The upload, 32 hexadecimal digits.
    pub upload: String,
    /// The record's row in it, from 0.
    pub row: u64,
    /// Rows of the upload.
    pub rows: u64,
    /// Canonical bytes of the record, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// The salt of its commitment, 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// Of an erased record: its leaf hash, 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<String>,
    /// RFC 6962 §2.1.1 inclusion path from the leaf up, 64 hexadecimal digits each, at most 40.
    pub path: Vec<String>,
}

/// Why a proof shows no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A field is not as it is written here.
    #[error("the proof is not well formed")]
    Malformed,
    /// The record's bytes are no record.
    #[error("the proof holds no consent record")]
    Record,
    /// Record, salt, row or path are not those of the batch.
    #[error("the proof does not lead to the root in the log")]
    Root,
    /// The path holds: there was a record at this row, and it was erased.
    #[error("the record was erased; that it was there is proven")]
    Erased,
}

impl RecordProof {
    /// The record, if it stood at its row of the batch whose head is `consent_root` in the log.
    ///
    /// # Errors
    /// [`ProofError`]; of a record that was erased [`ProofError::Erased`], once the path was checked.
    pub fn check(&self, consent_root: &[u8; 32]) -> Result<ConsentRecord, ProofError> {
        if self.upload.len() != 32 || !is_lower(&self.upload) || hex::decode(&self.upload).is_err()
        {
            return Err(ProofError::Malformed);
        }
        let (record, leaf) = match (&self.record, &self.salt, &self.leaf) {
            (Some(record), Some(salt), None) => {
                if record.len() > 2 * RECORD_MAX || !is_lower(record) {
                    return Err(ProofError::Malformed);
                }
                let bytes = hex::decode(record).map_err(|_| ProofError::Malformed)?;
                let record = ConsentRecord::from_bytes(&bytes).map_err(|_| ProofError::Record)?;
                let leaf = leaf_hash(&commitment_to_bytes(&hash(salt)?, &bytes));
                (Some(record), leaf)
            }
            (None, None, Some(leaf)) => (None, hash(leaf)?),
            _ => return Err(ProofError::Malformed),
        };
        if self.path.len() > PATH_MAX {
            return Err(ProofError::Malformed);
        }
        let path: Vec<_> = self
            .path
            .iter()
            .map(|text| hash(text))
            .collect::<Result<_, _>>()?;
        let root = path_root(self.row, self.rows, leaf, &path).ok_or(ProofError::Root)?;
        if batch_head(self.rows, &root) != *consent_root {
            return Err(ProofError::Root);
        }
        record.ok_or(ProofError::Erased)
    }
}

/// The root that the path of leaf `row` of `rows` leads to (RFC 9162 §2.1.3.2); none if it is not as long
/// as that of this row.
pub fn path_root(row: u64, rows: u64, leaf: [u8; 32], path: &[[u8; 32]]) -> Option<[u8; 32]> {
    let mut last = rows.checked_sub(1).filter(|last| row <= *last)?;
    let (mut at, mut hash) = (row, leaf);
    for beside in path {
        if last == 0 {
            return None;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(beside, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, beside);
        }
        at >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// 32 bytes from 64 lowercase hexadecimal digits.
fn hash(text: &str) -> Result<[u8; 32], ProofError> {
    let mut bytes = [0; 32];
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) if is_lower(text) => Ok(bytes),
        _ => Err(ProofError::Malformed),
    }
}

fn is_lower(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_uppercase())
}
