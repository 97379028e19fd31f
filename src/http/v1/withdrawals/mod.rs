//! Withdrawals, oppositions and erasures.

pub mod create;
pub mod list;
pub mod show;
