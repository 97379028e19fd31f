//! The protocols of Tamis, pure: no I/O, no clock, no ambient randomness.
//!
//! One folder per part, each with a SPEC.md from which a second implementation could be written and
//! vectors to check it against.

pub mod audit;
pub mod consent;
pub mod ddrf;
pub mod iab;
pub mod identifier;
pub mod intersection;
pub mod label;
pub mod pairing;
pub mod release;
pub mod token;
pub mod transparency;
pub mod wire;

#[cfg(test)]
mod golden;
