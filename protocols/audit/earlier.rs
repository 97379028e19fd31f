//! Checkpoints that an auditor kept: each must be of a beginning of the log that is shown now.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::violation::Violation;
use crate::transparency::{Entry, Opened, open_checkpoint};

/// A checkpoint that the auditor kept, as a line of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The signed note.
    pub checkpoint: String,
}

/// Roots that the log must have had, by its size then.
pub(super) struct Roots<'a> {
    vkey: &'a str,
    roots: BTreeMap<u64, [u8; 32]>,
    size: u64,
}

impl<'a> Roots<'a> {
    /// Of a log whose newest checkpoint is `head`.
    pub(super) fn new(head: &Opened, vkey: &'a str) -> Self {
        let empty = (0, Sha256::digest([]).into());
        Roots {
            vkey,
            roots: BTreeMap::from([empty, (head.size, head.root)]),
            size: head.size,
        }
    }

    /// Adds a checkpoint of the same log, not larger than it is; what it says.
    pub(super) fn add(&mut self, note: &[u8]) -> Result<Opened, Violation> {
        let kept = open_checkpoint(note, self.vkey).ok_or(Violation::NoCheckpoint)?;
        let root = *self.roots.entry(kept.size).or_insert(kept.root);
        match kept.size <= self.size && root == kept.root {
            true => Ok(kept),
            false => Err(Violation::Earlier { size: kept.size }),
        }
    }

    /// Whether the log that ends with this leaf had the root that was signed then.
    pub(super) fn check(&self, seen: &Entry<'_>) -> Result<(), Violation> {
        let size = seen.index + 1;
        match self.roots.get(&size) {
            Some(root) if *root != seen.root() => Err(Violation::Earlier { size }),
            _ => Ok(()),
        }
    }
}
