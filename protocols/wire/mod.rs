//! What travels between parties and the service: JSON documents, signed terms, upload batches.

pub mod api;
#[cfg(feature = "arrow")]
pub mod batch;
pub mod cookie;
pub mod delivery;
mod discreet;
mod mode;
pub mod terms;
pub mod tightening;
