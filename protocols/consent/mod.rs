//! Consent: what a row carries, what a collaboration demands of it, and the proof that it was there.
//!
//! Flow: every row of an upload carries a [`ConsentRecord`]. The [`ConsentRule`] of the terms judges it
//! on a day: it gives the last day on which the row may still be used, or the [`DropReason`] for which
//! it never reaches matching. The [`commitment`]s of all records of an upload become one [`batch_head`] in
//! the public log: the party can later prove a single record ([`RecordProof`]) without showing others, and
//! have it erased without any other proof failing.
//!
//! Who learns what: the service sees the records (no identifier is in them); the log's readers see one
//! hash, which does not tell how many there are; a record is shown to an auditor only by its owner, with
//! its salt.
//!
//! Source: GDPR Art. 6(1), 7(1), 21; IAB TCF purposes 1 to 11; RFC 6962 §2.1 for the tree; SPEC.md.

mod canonical;
mod commitment;
mod destinations;
mod details;
mod proof;
mod purposes;
mod reason;
mod receipt;
mod record;
mod rule;
mod shape;

pub use canonical::NotCanonical;
pub use commitment::{RootBuilder, commitment, commitment_to_bytes, node_hash};
pub use destinations::Destinations;
pub use details::{
    BadRecord, ConsentEvent, ConsentState, Details, MAX_EVENTS, MAX_RECIPIENTS, MAX_TEXT,
    is_history, is_jurisdiction, is_language, is_recipient, is_record_id,
};
pub use proof::{PATH_MAX, ProofError, RecordProof, batch_head, leaf_hash, path_root};
pub use purposes::{BadPurposes, Purposes};
pub use reason::DropReason;
pub use receipt::{RECEIPT_SCHEMA, RECORD_SCHEMA, ReceiptContext, receipt};
pub use record::{Basis, ConsentRecord};
pub use rule::{Admitted, ConsentRule};
pub use shape::{Own, is_timed, join, part, shape_of};

#[cfg(test)]
mod tests;
