//! Parties and their public keys.

pub mod destinations;
pub mod me;
pub mod show;
