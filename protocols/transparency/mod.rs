//! The transparency log: every decision of the service as a leaf of one append-only tree.
//!
//! The flow: a use case writes a [`Leaf`] in the transaction that takes the decision; [`publish`] turns
//! new leaves into tile files; [`LogKey`] signs a checkpoint over size and root. Anybody copies the files
//! and runs [`verify`] offline with the log's public key alone: it checks the signature, every tile,
//! every leaf, and the order of events (nothing is delivered that was not released before).
//!
//! Who learns what: readers of the log learn names of parties, times, ids, released (noisy, rounded)
//! counts and digests; never a token, a cookie, an exact count or anything about one person. What the log
//! cannot show: that the operator shows everybody the same log; compare checkpoints with
//! [`check_consistency`]. Source: RFC 6962 §2.1, C2SP tlog-tiles, tlog-checkpoint, signed-note; SPEC.md.

mod checkpoint;
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

pub use checkpoint::{BadOrigin, CHECKPOINT, LogKey, Opened, open_checkpoint};
pub use coverage::Coverage;
pub use event::Event;
pub use leaf::{LEAF_MAX, Leaf, LeafError, key_fingerprint};
pub use proof::{
    ProofError, check_consistency, check_inclusion, consistency_proof, inclusion_proof, leaf_bytes,
};
pub use rules::Rule;
pub use store::{MemoryStore, TileStore, publish};
pub use verify::{Summary, Violation, paths, verify};

#[cfg(test)]
mod tests;
