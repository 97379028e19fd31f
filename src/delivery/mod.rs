//! Bringing destinations to an audience's state, and a reference destination.
//!
//! The flow: [`batch`] cuts the changes of one delivery into numbered messages, [`webhook`] signs
//! ([`signature`], Standard Webhooks) and sends each to an address that [`egress`] has vetted, and
//! [`backoff`] says when to try again. Nothing here decides *who* is delivered: it is handed changes
//! that passed consent, suppression and the release gate. [`sink`] is the other end.
//!
//! What each side learns: the destination, its own cookies of one audience; the service, whether a
//! batch was acknowledged. No identifier, cookie or size appears in an error here.

pub mod backoff;
pub mod batch;
pub mod egress;
pub mod signature;
pub mod sink;
#[cfg(test)]
mod testing;
pub mod webhook;
pub mod witnesses;
