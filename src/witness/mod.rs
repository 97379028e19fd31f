//! `tamis witness`: cosigns the checkpoints of logs that only ever grow (C2SP tlog-witness).
//!
//! The flow of one request: form, log and signature are judged without memory; then, one request of a log
//! after the other, the decision of `protocols/transparency`, what was seen written to disk for good, and
//! only then the cosignature. A witness that is killed anywhere has answered nothing that it does not
//! remember, so it never cosigns two different roots of one size.
//!
//! What it learns: name, size and root of a log, and when it grows. No leaf is ever sent to it. Its word is
//! worth something to those who trust it *not* to be the operator.
//!
//! Memory: one checkpoint for each log that it knows; 64 connections with one request of at most 64 KiB each.

mod answer;
mod home;
mod memory;
mod server;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;

use tamis_keys::home::HomeError;
use tamis_protocols::transparency::{BadLogKey, BadOrigin};

pub use answer::Watch;
pub use home::{Directory, Settings};
pub use server::{Scheme, Server};

/// Why a witness does not start or does not go on.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The key directory.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Its name.
    #[error(
        "a witness is named by a text without spaces, control characters and plus signs, e.g. `witness.example/w1`"
    )]
    Name(#[from] BadOrigin),
    /// A log's key.
    #[error(transparent)]
    Log(#[from] BadLogKey),
    /// The settings.
    #[error("witness.toml: {0}")]
    Settings(String),
    /// What it saw of a log is not there or not readable: to go on would forget what it vouched for.
    #[error(
        "what was seen of {0} is missing or damaged: restore it from a backup; a witness that forgets must be made anew, with another key"
    )]
    Forgotten(String),
    /// The certificate or its key.
    #[error(
        "the certificate or its key cannot be used; make the witness anew with `tamis witness init`"
    )]
    Certificate,
    /// The address.
    #[error("nothing can listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// Plain HTTP where others could change what is sent.
    #[error("plain HTTP is for loopback addresses alone: leave out --plain")]
    Plain,
    /// Another process.
    #[error("another witness uses this directory")]
    Busy,
    /// Files.
    #[error("the witness cannot read or write its files: {0}")]
    Io(#[from] io::Error),
}
