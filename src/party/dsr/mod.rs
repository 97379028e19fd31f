//! Deletion requests of other companies (IAB Data Deletion Request Framework, `protocols/ddrf`), at the party:
//! only a party can turn an identifier into tokens.
//!
//! ```text
//! peer ──rqJWT──▶ desk: verified ─▶ inbox, durable ─▶ 202 acJWT
//!                                     └─▶ forward: tokens ─▶ an erasure in every collaboration ─▶ identifier forgotten
//! outbox: a file ─▶ rqJWT per person ──▶ peer, whose acJWT is verified and kept
//! ```
//! Only [`Peer`]s that the party named are believed, and only their domains are asked for keys: a signature
//! tells who asks, not whether they may.
//!
//! Who learns what: the peer, that its request was taken, never whether anybody was known here. The service,
//! tokens. The identifier is in the inbox until its tokens are sent, and in the answer that is kept a day so
//! that a repetition gets the same; then neither is anywhere.

mod desk;
mod forward;
mod inbox;
mod outbox;
mod peers;
mod server;
#[cfg(test)]
mod tests;
use std::fmt;

pub use desk::{Desk, Now};
pub use forward::forward;
pub use inbox::Inbox;
pub use outbox::{Outbox, Sending, Sent};
pub use peers::{Peer, Peers};
pub use server::{Certificate, Server};

use tamis_keys::Entropy;
use tamis_keys::home::{HomeError, PartyHome};
use tamis_protocols::ddrf::Signer;

/// Why something about deletion requests cannot be done. Never quotes an identifier.
#[derive(Debug, thiserror::Error)]
pub enum DsrError {
    /// Not a domain, or not an address of one.
    #[error("{0} is no domain, or its address is not https")]
    Peer(String),
    /// The authorities cannot be used.
    #[error("the authorities cannot be read")]
    Authorities,
    /// The domain is not one of the peers.
    #[error("the domain is not among the peers")]
    Stranger,
    /// No connection, or it broke.
    #[error("{0} cannot be reached")]
    Unreachable(String),
    /// What came is not what the framework has.
    #[error("{0} answered something that is not of the framework")]
    Misunderstood(String),
    /// A peer does not take what is to be sent.
    #[error("{0} takes neither e-mail addresses nor phone numbers as SHA-256")]
    NotTaken(String),
    /// The certificate of the server.
    #[error("the certificate and its key cannot be used")]
    Certificate,
    /// The home.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The file or directory.
    #[error("{0}: {1}")]
    File(String, String),
}

impl DsrError {
    fn file(path: &std::path::Path, error: impl fmt::Display) -> Self {
        DsrError::File(path.display().to_string(), error.to_string())
    }
}

/// The signer of a home for its domain; its key is made on first use.
///
/// # Errors
/// The home, or what is no domain.
pub fn signer(home: &PartyHome, domain: &str, entropy: &dyn Entropy) -> Result<Signer, DsrError> {
    let seed = home.deletion_requests(entropy)?;
    Signer::new(&seed, domain).ok_or_else(|| DsrError::Peer(domain.to_owned()))
}

/// 32 hexadecimal digits, for `jti`.
fn fresh_id(entropy: &dyn Entropy) -> String {
    let mut id = [0; 16];
    entropy.fill(&mut id);
    hex::encode(id)
}
