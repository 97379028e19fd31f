//! What runs at a party: read a file of people, check it, turn identifiers into tokens, upload.
//!
//! Flow of [`prepare`]: file → columns → quality report and tokens → shuffled spool. Raw identifiers are
//! normalised, hashed and keyed on this machine and go no further; the service receives tokens, consent
//! records, segment labels, and cookies sealed to their destinations.

mod bridging;
pub mod client;
mod collector;
mod columns;
mod consent_cells;
mod consent_details;
mod consent_strings;
pub mod dsr;
pub mod exchange;
mod judge;
mod person;
mod pipeline;
pub mod population;
mod prepare;
mod prepared;
pub mod quality;
mod reading;
mod row;
mod segments;
mod shuffle;
mod spool;
mod suspicious;
mod withdrawal;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use bridging::Bridge;
pub use columns::ColumnError;
pub use person::people;
pub use prepare::{PrepareOptions, Prepared, prepare};
pub use quality::Quality;
pub use reading::{Block, Blocks, Piece, Pieces, Source, SourceError};
pub use segments::SegmentError;
pub use spool::SpoolError;
pub use withdrawal::{WithdrawalOptions, withdrawal_tokens};

use tamis_protocols::identifier::UnknownRegion;

/// A destination and how cookies are sealed to it.
#[derive(Clone, Debug)]
pub struct DestinationKey {
    /// The destination's name.
    pub name: String,
    /// Its X25519 public key; without one cookies travel in the open.
    pub sealing_key: Option<[u8; 32]>,
}

/// Why a file cannot be prepared: says what helps, never what is in a cell.
#[derive(Debug, thiserror::Error)]
pub enum PartyError {
    /// The file.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Its columns.
    #[error(transparent)]
    Columns(#[from] ColumnError),
    /// Its segments.
    #[error(transparent)]
    Segments(#[from] SegmentError),
    /// The default region.
    #[error("--region: {0}")]
    Region(#[from] UnknownRegion),
    /// The spool.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// A header alone.
    #[error("the file has a header and no rows")]
    NoRows,
    /// No row has as many cells as the header.
    #[error(
        "all {ragged} rows have another number of cells than the header: is the separator a comma?"
    )]
    AllRagged {
        /// Rows in the file.
        ragged: u64,
    },
    /// Not one row that the terms let in.
    #[error("none of the {rows} rows can take part: run with --dry-run to see why")]
    NothingUsable {
        /// Rows in the file.
        rows: u64,
    },
    /// Neither advertiser nor partner.
    #[error("only advertisers and partners upload")]
    WrongRole,
    /// Somebody asked for it.
    #[error("interrupted")]
    Interrupted,
    /// A worker stopped: a defect.
    #[error("the preparation stopped unexpectedly; nothing was sent")]
    Stopped,
}

impl From<pipeline::Stopped> for PartyError {
    fn from(_: pipeline::Stopped) -> PartyError {
        PartyError::Stopped
    }
}
