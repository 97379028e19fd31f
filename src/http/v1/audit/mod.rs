//! What an auditor is shown beside the log, and samples of consent records.

pub mod documents;
pub mod draw;
pub mod list;
pub mod report;
pub mod show;
pub mod substantiate;
