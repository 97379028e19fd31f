//! The transparency log: every decision of the service as a leaf of one append-only tree.
//!
//! The flow: a use case writes a [`Leaf`] in the transaction that takes the decision; [`publish`] turns
//! new leaves into tile files; [`LogKey`] signs a checkpoint over size and root. Anybody copies the files
//! and runs [`verify`] offline with the log's public key alone: it checks the signature, every tile,
//! every leaf, and the order of events (nothing is delivered that was not released before).
//!
//! Who learns what: readers of the log learn names of parties, times, ids, released (noisy, rounded)
//! counts and digests; never a token, a cookie, an exact count or anything about one person. What the log
//! cannot show alone: that the operator shows everybody the same log. For that checkpoints are compared with
//! [`check_consistency`], and witnesses cosign them ([`Witness`], [`WitnessKey`]). Source: RFC 6962 §2.1, C2SP
//! tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature, tlog-witness; SPEC.md.

mod checkpoint;
mod cosignature;
mod coverage;
mod event;
mod field;
mod leaf;
mod place;
mod proof;
mod rules;
mod store;
mod tree;
mod verify;
mod witness;

pub use checkpoint::{
    BadOrigin, CHECKPOINT, Cosigned, LogKey, Opened, open_checkpoint, open_cosigned,
};
pub use cosignature::{Cosignature, MAX_COSIGNATURES, WitnessKey, WitnessVerifier};
pub use coverage::Coverage;
pub use event::Event;
pub use leaf::{LEAF_MAX, Leaf, LeafError, key_fingerprint};
pub use place::is_tile;
pub use proof::{
    ProofError, check_consistency, check_inclusion, consistency_proof, inclusion_proof, leaf_bytes,
};
pub use rules::Rule;
pub use store::{MemoryStore, TileStore, publish};
pub use tree::bundle;
pub use verify::{Entry, Summary, Violation, newest_bundle, paths, verify, walk};
pub use witness::{
    AddCheckpoint, BadLogKey, Known, MAX_PROOF, MAX_REQUEST, SIZE_TYPE, Seen, Verdict, Witness,
};

#[cfg(test)]
mod tests;
