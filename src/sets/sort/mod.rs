//! Sorting more than fits in memory, without a clear byte on the disk.
//!
//! Flow of tokens: every thread that reads an upload has an [`Intake`], which partitions records by
//! their first byte into small buffers; full buffers go to the [`TokenSorter`], which keeps them in
//! memory while there is room and seals them into temporary files beyond that. Then [`SortedTokens`]
//! gives the token space part by part, in any order and to any number of threads; each sorts its part
//! by the next bits ([`radix`]). Tokens are uniformly random, so parts are alike; where a hostile
//! sender makes one larger than the budget, it is sorted in pieces and merged.
//!
//! Memory: the budget, whatever the number and the skew of the records, and 24 bytes per spilled
//! buffer of bookkeeping. [`Sorter`] is the same for records of any length, one thread and one pass.

mod intake;
mod merge;
mod part;
mod radix;
mod records;
mod room;
mod scratch;
mod store;

pub(super) use intake::Intake;
pub(super) use part::{SortedTokens, Workspace};
pub(super) use records::Sorter;
pub(super) use room::{Room, Taken};
pub(super) use scratch::Scratch;
pub(super) use store::TokenSorter;

use super::SetError;
use super::run::Record;

/// Partitions of the intake: the first byte of a token.
const PARTITIONS: usize = 256;
/// Files that spilled buffers go to, each of as many neighbouring partitions: what was sorted need not
/// stay on the disk until all is.
const FILES: usize = 16;
/// Bytes of a record in memory and on the disk.
const BYTES: usize = 24;
