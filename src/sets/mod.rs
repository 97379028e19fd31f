//! Sealed sets: uploads at rest, validated, sorted, encrypted, ready to be matched.
//!
//! Flow: bytes arrive in a [`Spool`]; [`seal`] turns a complete one into a directory of encrypted
//! files, a [`SealedSet`]; matching reads its token run and its rows; [`members`] writes who of a
//! released audience is at a destination, and [`members::changes`] says what the destination must be
//! told. [`write_tokens`] keeps the tokens of people who withdrew.
//!
//! An upload that adds or removes becomes a layer on top of the set it extends ([`delta`]), so that a day's
//! refresh costs what it brings, and a look at the pages that it may touch. [`compact`] writes such a set as
//! one layer again, with the same answers. [`erase`] takes people out of a layer for good.
//!
//! ```text
//! header        what the layer is, and the nonce and length of every other file
//! tokens        sorted token run in pages; tokens.index: their order, and where each starts
//! rows          per row: last valid day, and which destinations have a cookie
//! persons       (partner) per row: its person
//! classes       (advertiser) combinations of segments; rare: rows of further ones
//! gone, aliases (delta) who left, and who became one with another
//! cookies.N     (partner) cookies at the N-th destination, in row order
//! ```
//! Beside them, kept when the set is gone: the consent records of every upload ([`Ledger`]).
//!
//! All but the run are block files ([`block`]; SPEC.md has all formats) under subkeys of one data key per
//! layer: without the key, or once it is deleted, nothing of the layer is left. No file pairs an
//! advertiser's row with anything of a partner.
//!
//! What each party learns: nothing from the files. The operator, who holds the key-encryption key,
//! can read pseudonyms, segments, and the cookies of destinations that have no key.

mod block;
mod changes;
mod classes;
mod compact;
mod cookies;
mod delta;
mod directory;
mod emission;
mod erase;
mod error;
mod header;
mod ingest;
mod layer;
mod ledger;
mod list;
pub mod members;
mod reach;
mod renumber;
mod restricted;
mod rows;
mod run;
mod seal;
mod sealed;
mod sort;
mod spill;
mod spool;
mod subject;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub(crate) use classes::RARE;
pub use compact::{CompactJob, compact};
pub use emission::{Emission, read_emission, write_emission};
pub use erase::{EraseJob, erase, owners_of};
pub use error::SetError;
pub(crate) use ingest::too_many_rows;
pub use ingest::{Progress, Source, TokenJob, seal_tokens};
pub use layer::Layer;
pub use ledger::{ChunkKey, ChunkKeys, Counted, Ledger, LedgerPlace, Tallies, chunk_key};
pub use list::{read_tokens, write_tokens};
pub use reach::{Reach, reach};
pub use renumber::Renumbering;
pub(crate) use restricted::{RESTRICTED, is_reserved, usable_at};
pub(crate) use rows::NOBODY;
pub(crate) use rows::day_number;
pub use run::Record;
pub(crate) use run::{Finder, PageView, Window};
pub use seal::{DEFAULT_MEMORY, Expectation, SealError, SealJob, seal};
pub use sealed::{DeltaWeight, SealedSet};
pub use spool::{Spool, SpoolReader};
pub use subject::{OwnRow, rows_of};
