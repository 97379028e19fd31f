//! Asking witnesses to cosign a checkpoint, all at once and for a bounded time.
//!
//! A witness says which size it cosigned last; the proof leads from there. Its line is taken only if it is a
//! cosignature of this very checkpoint under the key that the operator configured. No answer, a refusal or a
//! forged line is one cosignature less, never an error of publishing.
//!
//! What a witness learns: name, size and root of the log.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tamis_protocols::transparency::{AddCheckpoint, WitnessVerifier, consistency_proof};
use tokio::time::{Instant, sleep_until};

use super::publish::LogDir;
use super::{Held, Outbound};
use crate::delivery::witnesses::{Asked, Unheard, WitnessClient};
use crate::service::{Service, append::blocking};

/// How long witnesses are waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long further ones are waited for when enough have answered.
const GRACE: Duration = Duration::from_millis(500);
/// Requests to one witness: it may tell its size, and grow once meanwhile.
const ATTEMPTS: usize = 3;

/// Reaches witnesses.
pub trait Witnesses: Send + Sync {
    /// Sends an `add-checkpoint` request to the witness of that name.
    fn ask<'a>(&'a self, name: &'a str, body: Bytes) -> BoxFuture<'a, Result<Asked, Unheard>>;
}

impl Witnesses for WitnessClient {
    fn ask<'a>(&'a self, name: &'a str, body: Bytes) -> BoxFuture<'a, Result<Asked, Unheard>> {
        Box::pin(WitnessClient::ask(self, name, body))
    }
}

/// The size that each witness cosigned last, as far as is known.
#[derive(Default)]
pub(in crate::service) struct Vouched(Mutex<BTreeMap<String, u64>>);

impl Vouched {
    fn size(&self, name: &str) -> u64 {
        let sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.get(name).copied().unwrap_or_default()
    }

    fn set(&self, name: &str, size: u64) {
        let mut sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.insert(name.to_owned(), size);
    }
}

/// A checkpoint, signed by the log, and the lines of witnesses so far.
pub(super) struct Signed {
    size: u64,
    root: [u8; 32],
    note: String,
    lines: BTreeMap<String, String>,
}

impl Signed {
    pub(super) fn new(size: u64, root: [u8; 32], note: String) -> Self {
        Signed {
            size,
            root,
            note,
            lines: BTreeMap::new(),
        }
    }

    /// What witnesses signed: everything before the empty line.
    fn text(&self) -> &str {
        let end = self.note.find("\n\n").map_or(self.note.len(), |at| at + 1);
        &self.note[..end]
    }

    /// Takes over the lines of another checkpoint that hold for this one.
    pub(super) fn take_over(&mut self, other: &str, peers: &[WitnessVerifier]) {
        for peer in peers {
            if let Some(line) = peer.pick(self.text().as_bytes(), other) {
                self.lines.insert(peer.name().to_owned(), line);
            }
        }
    }

    /// How many witnesses cosigned it.
    pub(super) fn count(&self) -> usize {
        self.lines.len()
    }

    /// As it is shown: the log's line first.
    pub(super) fn checkpoint(&self) -> String {
        let lines: String = self.lines.values().map(String::as_str).collect();
        format!("{}{lines}", self.note)
    }
}

impl Service {
    /// Adds what witnesses say that have not said anything of this checkpoint yet.
    pub(super) async fn collect(&self, held: &Held, outbound: &Outbound, signed: &mut Signed) {
        let rule = &self.limits().witnesses;
        let silent = rule.peers.iter();
        let silent = silent.filter(|peer| !signed.lines.contains_key(peer.name()));
        let mut asking: FuturesUnordered<_> = silent
            .map(|peer| {
                let known = (signed.size, signed.root, signed.note.as_str());
                let text = signed.text().as_bytes();
                async move {
                    let line = self.cosignature(peer, known, text, outbound).await?;
                    Some((peer.name().to_owned(), line))
                }
            })
            .collect();
        let mut until = Instant::now() + PATIENCE;
        let mut lines = Vec::new();
        loop {
            if signed.lines.len() + lines.len() >= rule.require {
                until = until.min(Instant::now() + GRACE);
            }
            tokio::select! {
                answer = asking.next() => match answer {
                    Some(answer) => lines.extend(answer),
                    None => break,
                },
                () = sleep_until(until) => break,
                () = held.cancel.cancelled() => break,
            }
        }
        drop(asking);
        signed.lines.extend(lines);
    }

    async fn cosignature(
        &self,
        peer: &WitnessVerifier,
        (size, root, note): (u64, [u8; 32], &str),
        text: &[u8],
        outbound: &Outbound,
    ) -> Option<String> {
        let name = peer.name();
        let mut old = self.0.vouched.size(name).min(size);
        for _ in 0..ATTEMPTS {
            let request = AddCheckpoint {
                old,
                proof: self.proof(old, size, root).await?,
                checkpoint: note.as_bytes().to_vec(),
            };
            let body = Bytes::from(request.to_bytes());
            match outbound.witnesses.ask(name, body).await {
                Ok(Asked::Cosigned(lines)) => {
                    let line = peer.pick(text, &lines);
                    match &line {
                        Some(_) => self.0.vouched.set(name, size),
                        None => tracing::error!(witness = name, "its cosignature does not hold"),
                    }
                    return line;
                }
                // Told of the size that it was asked from, it has another root of that size.
                Ok(Asked::Knows(other)) if other <= size && other != old => old = other,
                Ok(Asked::Knows(_)) => {
                    tracing::error!(
                        witness = name,
                        "it cosigned a log that this one does not continue: the log was rolled back or forked"
                    );
                    return None;
                }
                Ok(Asked::Refused(status)) => {
                    tracing::error!(witness = name, status, "it refuses the checkpoint");
                    return None;
                }
                Err(error) => {
                    tracing::warn!(witness = name, %error, "it cannot be heard");
                    return None;
                }
            }
        }
        None
    }

    async fn proof(&self, old: u64, size: u64, root: [u8; 32]) -> Option<Vec<[u8; 32]>> {
        if old == 0 || old == size {
            return Some(Vec::new());
        }
        let dir = LogDir(self.files().log());
        let proof = blocking(move || {
            consistency_proof(&dir, size, &root, old)
                .map_err(|error| crate::service::ServiceError::internal("log", error))
        });
        match proof.await {
            Ok(proof) => Some(proof),
            Err(error) => {
                tracing::error!(%error, "no proof can be made of the log's own files");
                None
            }
        }
    }
}
