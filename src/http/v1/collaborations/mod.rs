//! Collaborations: proposed, accepted, shown, tightened.

pub mod accept;
pub mod budget;
pub mod coverage;
pub mod list;
pub mod policy;
pub mod propose;
pub mod records;
pub mod show;
pub mod tighten;
