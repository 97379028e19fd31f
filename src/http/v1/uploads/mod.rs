//! Uploads: tus for the bytes, JSON for the report.

pub mod append;
pub mod create;
pub mod head;
pub mod list;
pub mod options;
pub mod record;
pub mod show;
pub mod terminate;
