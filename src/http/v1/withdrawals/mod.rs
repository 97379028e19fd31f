//! Withdrawals.

pub mod create;
pub mod show;
