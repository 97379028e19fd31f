//! Sealed sets: uploads at rest, validated, sorted, encrypted, ready to be matched.
//!
//! Flow: bytes arrive in a [`Spool`]; [`seal`] turns a complete one into a directory of encrypted
//! files, a [`SealedSet`]; matching reads its token run and its rows; [`members`] writes who of a
//! released audience is at a destination, and [`members::changes`] says what the destination must be
//! told. [`write_tokens`] keeps the tokens of people who withdrew.
//!
//! ```text
//! header        what the set is, and the nonce and length of every other file
//! tokens        sorted token run in columns; tokens.index: first token of every block
//! rows          per accepted row: last valid day, and which destinations have a cookie
//! persons       (partner) per accepted row: its person
//! segments      (advertiser) bitmaps of rows per segment, in groups of 65,536 rows
//! cookies.N     (partner) cookies at the N-th destination, in row order
//! salts         per row of the upload: salt of its consent commitment
//! ```
//! All are block files ([`block`] has the format) under subkeys of one data key per set: without
//! the key, or once it is deleted, nothing of the set is left. No file pairs an advertiser's row with
//! anything of a partner.
//!
//! What each party learns: nothing from the files. The operator, who holds the key-encryption key,
//! can read pseudonyms, segments, and the cookies of destinations that have no key.

mod block;
mod cookies;
mod directory;
mod error;
mod header;
mod ingest;
mod list;
pub mod members;
mod rows;
mod seal;
mod sealed;
mod segments;
mod sort;
mod spill;
mod spool;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod tokens;

pub use error::SetError;
pub use header::SetDestination;
pub use list::{read_tokens, write_tokens};
pub(crate) use rows::day_number;
pub use seal::{DEFAULT_MEMORY, Expectation, SealError, SealJob, seal};
pub use sealed::SealedSet;
pub(crate) use segments::GROUP;
pub use spool::{Spool, SpoolReader};
pub(crate) use tokens::TokenCursor;
