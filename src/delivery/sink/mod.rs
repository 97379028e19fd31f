//! `tamis sink`: the reference destination. Useful to integrators, used by the demo.
//!
//! The flow of one message: TLS; signature and freshness; strict decoding; labels opened with the
//! destination's own key; the batch appended to a journal and synced; members changed in memory;
//! answer. A message that was taken before is acknowledged again and changes nothing, also after a
//! crash. One second after the last message, and at the end, the members are written to
//! `members.csv`.
//!
//! What it learns: which of the destination's own cookies belong to which audience. Nothing else
//! reaches it.
//!
//! Memory: about 100 bytes per member and audience, 100 bytes per delivery ever seen, and on each of
//! at most 64 connections one message of at most 2 MiB; four messages are worked on at a time.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::signature::{self, SecretError};
use crate::domain::clock::Clock;
use tamis_keys::home::{self, HomeError, PartyHome};
use tamis_keys::{Secret, purpose};

mod capture;
mod certificate;
mod journal;
mod keeper;
mod labels;
mod members;
mod receive;
mod report;
mod server;
#[cfg(test)]
mod tests;

pub use certificate::{CertificateError, Receiver, certificate};
pub use server::Sink;
pub(crate) use server::{acceptor, write_address};

/// Where a destination keeps its webhook secret in its key directory.
pub const SECRET_FILE: &str = "webhook-secret";

/// What a sink needs.
pub struct SinkOptions {
    /// The destination's own name: messages for another are refused.
    pub name: String,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Directory of `members.csv` and the journal; made if missing.
    pub out: PathBuf,
    /// Directory for the first message's raw headers and body, if wanted.
    pub capture: Option<PathBuf>,
    /// A file to write the address to once messages can arrive, if wanted.
    pub ready_file: Option<PathBuf>,
    /// Certificate and key of the endpoint.
    pub receiver: Receiver,
    /// Secrets that messages may be signed with; two while one is being replaced.
    pub secrets: Vec<Secret<purpose::Webhook>>,
    /// Opens labels; `None` for a destination that takes open cookies.
    pub sealing: Option<Secret<purpose::Sealing>>,
    /// Judges whether a message is fresh.
    pub clock: Arc<dyn Clock>,
}

/// What a sink did, for its operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages applied since the start.
    pub applied: u64,
    /// Messages acknowledged again since the start.
    pub repeated: u64,
    /// Sealed members that did not open since the start: wrong key, or made up by the partner.
    pub unreadable: u64,
    /// Members at the end, summed over audiences.
    pub members: u64,
}

/// Why a sink does not start or does not go on.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The key directory.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The webhook secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The certificate or its key.
    #[error("the receiver's certificate or key cannot be used; make it anew with `tamis enrol`")]
    Certificate,
    /// The address.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// Another sink works there.
    #[error("another sink uses this directory")]
    Busy,
    /// Not a torn end, which is dropped, but damage.
    #[error("the journal is damaged; move it away and ask for the audiences to be sent anew")]
    Damaged,
    /// Files.
    #[error("cannot read or write the members")]
    Io(#[from] io::Error),
}

/// Keeps the webhook secret, as `tamis enrol` received it, in the key directory.
///
/// # Errors
/// A text that is not a secret, or a directory that cannot be written.
pub fn store_secret(home: &PartyHome, text: &str) -> Result<(), SinkError> {
    signature::parse_secret(text)?;
    home::write_private(&home.path().join(SECRET_FILE), text.as_bytes())?;
    Ok(())
}

impl SinkOptions {
    /// Options from a destination's key directory, as [`certificate()`] and [`store_secret`] left it.
    ///
    /// # Errors
    /// What is missing or unreadable there.
    pub fn from_home(
        home: &PartyHome,
        name: String,
        listen: SocketAddr,
        out: &Path,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SinkError> {
        let secret = home::read_private(&home.path().join(SECRET_FILE))?;
        let secret = std::str::from_utf8(&secret).map_err(|_| SecretError)?;
        Ok(SinkOptions {
            name,
            listen,
            out: out.to_path_buf(),
            capture: None,
            ready_file: None,
            receiver: Receiver::from_home(home)?,
            secrets: vec![signature::parse_secret(secret)?],
            sealing: Some(home.sealing()),
            clock,
        })
    }
}

/// Listens until SIGTERM or ctrl-c, then answers what is under way and writes the members.
///
/// # Errors
/// See [`SinkError`].
pub async fn run(options: SinkOptions) -> Result<Summary, SinkError> {
    let until_signal = until_signal()?;
    let sink = Sink::bind(options).await?;
    sink.serve(until_signal).await
}

/// Ends at SIGTERM or ctrl-c.
fn until_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    })
}
