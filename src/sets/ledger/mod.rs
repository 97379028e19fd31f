//! Consent records at rest: what an upload's party proves a record with, kept when the set is gone, and
//! destroyed row by row when a person asks for it.
//!
//! ```text
//! DATA/consent/UPLOAD/
//!   head           rows, batch root, where every chunk begins, tallies
//!   hashes         the tree over the commitments, for ever
//!   records.N.G    salts and records of the N-th chunk, and whose they are; G: how often it was rewritten
//! ```
//! Flow: a [`Packer`] parts the records of a batch on a judge's thread, the [`LedgerWriter`] appends them in
//! the order of the rows; the directory gets its name before the set does. A [`Ledger`] reads it. [`Ledger::rewrite`]
//! writes a chunk anew without some rows.
//!
//! Head and hashes are under one key, which stays. A chunk that was never rewritten is under a key made of
//! the upload's *seed*; a rewritten one has a key of its own. Whoever erases forgets the seed and gives every
//! chunk the key that was made of it; so the key of what was erased is nowhere. Formats: `src/sets/SPEC.md`.
//!
//! What each party learns: nothing from the files. The operator, who holds the key-encryption key, can read
//! pseudonyms and consent records until they are erased.

mod build;
mod chunk;
mod head;
mod pack;
mod read;
mod rewrite;
mod tally;
#[cfg(test)]
mod tests;
mod tree;
mod write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tamis_keys::Secret;
use tamis_keys::purpose::Data;
use zeroize::Zeroizing;

pub(super) use pack::{Packed, Packer};
pub use read::{ChunkKey, ChunkKeys, Ledger};
pub(super) use tally::Tallying;
pub use tally::{Counted, Tallies};
pub use write::LedgerPlace;
pub(super) use write::{LedgerWriter, Written};

/// The key of a chunk that was never rewritten: HMAC-SHA256(seed, "tamis/v1/ledger-chunk" ‖ 0x00 ‖ number as
/// four bytes, big-endian).
pub fn chunk_key(seed: &Secret<Data>, chunk: u32) -> Option<Secret<Data>> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(seed.expose()).ok()?;
    mac.update(b"tamis/v1/ledger-chunk\0");
    mac.update(&chunk.to_be_bytes());
    let key = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
    Secret::from_slice(&*key)
}

/// The context of one file of a ledger.
fn context(upload: &str, file: &str) -> String {
    format!("tamis/v1/ledger/{upload}/{file}")
}

/// The file of a chunk that was rewritten `generation` times.
fn chunk_name(chunk: u32, generation: u32) -> String {
    format!("records.{chunk}.{generation}")
}
