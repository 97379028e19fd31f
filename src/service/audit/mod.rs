//! What an auditor is shown beside the log: documents, samples, counts.
//!
//! An auditor sees the documents that leaves have digests of, which both sides signed or are public keys; how
//! many records an upload has, and what they say in counts, small cells withheld; and the records that were
//! drawn, as their party shows them. For every other role there is nothing here but its own part of a sample.

mod documents;
mod report;
mod samples;
mod substantiate;
mod suppress;

use tamis_protocols::wire::api::Role;

use super::{Caller, ServiceError};

/// Fails unless the caller is an auditor: for others this does not exist.
fn auditor(caller: &Caller) -> Result<(), ServiceError> {
    match caller.role {
        Role::Auditor => Ok(()),
        _ => Err(ServiceError::NotFound),
    }
}
