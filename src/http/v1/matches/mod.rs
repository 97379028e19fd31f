//! Matches.

pub mod show;
pub mod start;
