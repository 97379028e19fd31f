//! What travels between parties and the service: JSON documents, signed terms, upload batches.

pub mod api;
pub mod terms;
