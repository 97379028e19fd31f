//! What a witness answers (C2SP tlog-witness, `add-checkpoint`): the request, its strict form, and the
//! decision as a pure function of the request and of what the witness remembers.
//!
//! The caller keeps check and memory together: whoever decides [`Verdict::Cosign`] stores [`Seen`] for good
//! before it signs and answers, and decides on the next request of this log only afterwards.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use signed_note::{Note, StandardVerifier, Verifier, VerifierList};
use tlog_tiles::{Checkpoint, EMPTY_HASH, Hash};

use super::place::MAX_SIZE;
use super::proof::check_consistency;

/// Most hashes of a consistency proof in a request.
pub const MAX_PROOF: usize = 63;
/// Longest request, bytes: a full proof, and a checkpoint with many signatures.
pub const MAX_REQUEST: usize = 64 * 1024;
/// The type of an answer that tells the size that the witness knows.
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// A request to cosign a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness cosigned last, as the log believes.
    pub old: u64,
    /// The consistency proof from there.
    pub proof: Vec<[u8; 32]>,
    /// The checkpoint, a signed note.
    pub checkpoint: Vec<u8>,
}

impl AddCheckpoint {
    /// The body of the request.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("old {}\n", self.old);
        for hash in &self.proof {
            text.push_str(&STANDARD.encode(hash));
            text.push('\n');
        }
        text.push('\n');
        [text.as_bytes(), &self.checkpoint].concat()
    }

    /// Reads a body in its one spelling; the checkpoint is not looked into. `None` for anything else, and for
    /// more than [`MAX_REQUEST`] bytes.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_REQUEST {
            return None;
        }
        let end = bytes.windows(2).position(|two| two == b"\n\n")?;
        let (head, rest) = bytes.split_at(end);
        let mut lines = std::str::from_utf8(head).ok()?.split('\n');
        let old = lines.next()?.strip_prefix("old ")?.parse().ok()?;
        let proof: Vec<[u8; 32]> = lines
            .map(|line| STANDARD.decode(line).ok()?.try_into().ok())
            .collect::<Option<_>>()?;
        let found = AddCheckpoint {
            old,
            proof,
            checkpoint: rest.get(2..)?.to_vec(),
        };
        (found.proof.len() <= MAX_PROOF && found.to_bytes() == bytes).then_some(found)
    }
}

/// The newest checkpoint of a log that a witness cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Leaves.
    pub size: u64,
    /// RFC 6962 root.
    pub root: [u8; 32],
}

/// What a witness does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// 200, once `seen` is stored: a cosignature over `text`.
    Cosign {
        /// What to remember.
        seen: Seen,
        /// The checkpoint's text.
        text: Vec<u8>,
    },
    /// 400: not a request, or an old size beyond the new one.
    Malformed,
    /// 403: no signature of a key that this log is known by.
    BadSignature,
    /// 404: no log of that name is known.
    UnknownLog,
    /// 409: another checkpoint was cosigned last.
    Conflict {
        /// Its size.
        size: u64,
    },
    /// 422: the proof does not show that the log was only appended to.
    BadProof,
}

/// The logs that a witness looks after.
pub struct Witness {
    logs: Vec<StandardVerifier>,
}

/// A request of a known log whose signature holds.
pub struct Known {
    request: AddCheckpoint,
    text: Vec<u8>,
    origin: String,
    size: u64,
    root: [u8; 32],
}

impl Known {
    /// Which log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The checkpoint as the log signed it: evidence, should the log ever show another one.
    pub fn checkpoint(&self) -> &[u8] {
        &self.request.checkpoint
    }
}

/// A verifier key that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a log is known by its verifier key, as `tamis init` and GET /v1/log/key tell it")]
pub struct BadLogKey;

impl Witness {
    /// A witness of the logs of these verifier keys; one name may have several keys.
    pub fn new<'a>(vkeys: impl IntoIterator<Item = &'a str>) -> Result<Self, BadLogKey> {
        let logs = vkeys
            .into_iter()
            .map(|vkey| StandardVerifier::new(vkey).map_err(|_| BadLogKey));
        Ok(Witness {
            logs: logs.collect::<Result<_, _>>()?,
        })
    }

    /// What can be judged without memory: the form, the log, its signature. An error is the verdict.
    pub fn read(&self, body: &[u8]) -> Result<Known, Verdict> {
        let request = AddCheckpoint::parse(body).ok_or(Verdict::Malformed)?;
        let note = Note::from_bytes(&request.checkpoint).map_err(|_| Verdict::Malformed)?;
        let strict = note.to_bytes() == request.checkpoint;
        let checkpoint = Checkpoint::from_bytes(note.text())
            .ok()
            .filter(|found| strict && found.size() <= MAX_SIZE)
            .filter(|found| found.to_bytes() == note.text())
            .ok_or(Verdict::Malformed)?;
        let origin = checkpoint.origin().to_owned();
        let keys: Vec<Box<dyn Verifier>> = self
            .logs
            .iter()
            .filter(|log| log.name() == origin)
            .map(|log| Box::new(log.clone()) as Box<dyn Verifier>)
            .collect();
        if keys.is_empty() {
            return Err(Verdict::UnknownLog);
        }
        let held = note.verify(&VerifierList::new(keys));
        held.map_err(|_| Verdict::BadSignature)?;
        if request.old > checkpoint.size() {
            return Err(Verdict::Malformed);
        }
        let Hash(root) = *checkpoint.hash();
        Ok(Known {
            text: note.text().to_vec(),
            size: checkpoint.size(),
            origin,
            root,
            request,
        })
    }

    /// What to do with a request of a log, given what was cosigned of it last.
    pub fn consider(last: Option<&Seen>, known: &Known) -> Verdict {
        let nothing = Seen {
            size: 0,
            root: EMPTY_HASH.0,
        };
        let last = last.unwrap_or(&nothing);
        let (old, size) = (known.request.old, known.size);
        if old != last.size || (old == size && known.root != last.root) {
            return Verdict::Conflict { size: last.size };
        }
        let proof = &known.request.proof;
        let consistent = match old {
            0 => proof.is_empty(),
            old if old == size => proof.is_empty(),
            old => check_consistency(proof, size, &known.root, old, &last.root),
        };
        if !consistent {
            return Verdict::BadProof;
        }
        Verdict::Cosign {
            seen: Seen {
                size,
                root: known.root,
            },
            text: known.text.clone(),
        }
    }
}
