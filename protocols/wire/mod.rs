//! What travels between parties and the service: JSON documents, signed terms, upload batches.

pub mod api;
#[cfg(feature = "arrow")]
pub mod batch;
#[cfg(feature = "arrow")]
mod batch_build;
#[cfg(feature = "arrow")]
mod batch_header;
#[cfg(feature = "arrow")]
mod batch_message;
#[cfg(feature = "arrow")]
mod batch_read;
#[cfg(feature = "arrow")]
mod batch_stream;
#[cfg(all(test, feature = "arrow"))]
mod batch_tests;
pub mod delivery;
mod discreet;
pub mod terms;
