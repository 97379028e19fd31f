//! Collaborations: proposed, accepted, shown.

pub mod accept;
pub mod list;
pub mod propose;
pub mod show;
