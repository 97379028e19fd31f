//! The transparency log.

pub mod checkpoint;
pub mod key;
pub mod tile;
