//! From rows to the files of a layer, in parallel and bounded memory.
//!
//! ```text
//! source → decoder → ( judge: consent, commitment, class, encoding ) × threads → writer, in row order → ledger
//!                                   ↓ tokens
//!                            partition, spill → sort × threads → persons → token run
//! ```
//! Flow: [`read`] takes an upload in: one thread decodes batches, several judge them, one writes
//! what they made in the order of the rows; no more is under way than the budget allows, so a slow disk
//! holds back the source. Tokens are numbered by their row in the upload and need no order. Then
//! [`write_rows`] or [`write_persons`] read the sorted tokens and write the run. [`bulk`] feeds the same
//! from tokens without an upload around them.

mod bulk;
mod files;
mod judge;
mod paged;
mod persons;
mod read;
mod rows;
mod team;
#[cfg(test)]
mod tests;
mod write;

pub use bulk::{Source, TokenJob, seal_tokens};
pub(super) use files::Files;
pub(super) use persons::{Known, Lookup, write_persons};
pub(super) use read::{Rules, read};
pub(super) use rows::write_rows;
pub(super) use team::Team;
pub(super) use write::Evidence;

use super::{SealError, SetError};

/// Rows of a layer, and of all layers of a set, at most.
pub(super) const MAX_ROWS: u64 = 1 << 31;

/// What the owner of an upload reads that has more rows than its side may have.
pub(crate) fn too_many_rows(most: u64) -> String {
    format!(
        "there may be at most {most} rows, half as many again as the CRM was declared to have: send fewer, \
         or propose a new collaboration with --crm-rows"
    )
}

/// How far a sealing job is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Rows read.
    pub rows: u64,
    /// The share of the work after reading that is done, from 0 to 1.
    pub finished: f64,
}
