//! The endpoints of version 1, one a file. Each says in its own annotations what the OpenAPI document says of it.

pub mod audiences;
pub mod audit;
pub mod collaborations;
pub mod deliveries;
pub mod enrolments;
pub mod jobs;
pub mod log;
pub mod matches;
pub mod parties;
pub mod policy;
pub mod subjects;
pub mod uploads;
pub mod withdrawals;
