//! What a party exchanges with the service: enrolment, pairing, uploads, jobs, withdrawals, the log.
//!
//! Each file is one conversation, from the party's side only. What leaves the machine: public keys,
//! signed terms, sealed shares, tokens, sealed labels. What never leaves it: identifiers and every key
//! of the home.

pub mod activation;
pub mod audit;
pub mod backoff;
pub mod destinations;
pub mod enrolment;
pub mod error;
pub mod jobs;
pub mod log;
pub mod membership;
pub mod notebook;
pub mod pairing;
pub mod paths;
pub mod policy;
pub mod receipts;
pub mod records;
pub mod requests;
pub mod resume;
pub mod session;
pub mod subjects;
pub mod terms;
pub mod tus;

pub use error::ExchangeError;
pub use session::Session;
