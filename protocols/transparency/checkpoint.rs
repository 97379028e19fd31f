//! Checkpoints: size and root of the log as a signed note (C2SP tlog-checkpoint, signed-note).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use signed_note::{Note, Signature, StandardVerifier, VerifierList, is_key_name_valid, key_id};
use tamis_keys::Secret;
use tamis_keys::purpose::LogSigning;
use tamis_keys::signing::SigningKey;
use tlog_tiles::{Checkpoint, Hash};

use super::place::MAX_SIZE;

/// The path of the checkpoint among the log's files.
pub const CHECKPOINT: &str = "checkpoint";

/// The algorithm byte of Ed25519 in signed notes.
const ED25519: u8 = 1;

/// An origin that signed notes do not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the log's origin must be a name without spaces, control characters and plus signs, e.g. `tamis.example/log`"
)]
pub struct BadOrigin;

/// The log's signing key and name.
pub struct LogKey {
    key: SigningKey<LogSigning>,
    origin: String,
}

impl LogKey {
    /// A log named `origin`, e.g. `tamis.example/log`.
    pub fn new(key: Secret<LogSigning>, origin: &str) -> Result<Self, BadOrigin> {
        if !is_key_name_valid(origin) || origin.chars().any(char::is_control) {
            return Err(BadOrigin);
        }
        Ok(LogKey {
            key: SigningKey::from_secret(&key),
            origin: origin.to_owned(),
        })
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The verifier key: `origin+<8 hexadecimal digits>+<base64 of 0x01 and the public key>`.
    pub fn vkey(&self) -> String {
        let public = self.public();
        let id = key_id(&self.origin, &public);
        format!("{}+{id:08x}+{}", self.origin, STANDARD.encode(public))
    }

    /// The signed checkpoint of a log of `size` leaves.
    pub fn sign_checkpoint(&self, size: u64, root: &[u8; 32]) -> String {
        let root = STANDARD.encode(root);
        let text = format!("{}\n{size}\n{root}\n", self.origin);
        let id = key_id(&self.origin, &self.public());
        let signature = [&id.to_be_bytes()[..], &self.key.sign(text.as_bytes())].concat();
        format!("{text}\n— {} {}\n", self.origin, STANDARD.encode(signature))
    }

    fn public(&self) -> Vec<u8> {
        [&[ED25519][..], &self.key.public()].concat()
    }
}

/// What a checkpoint says, once its signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The log's name.
    pub origin: String,
    /// Leaves.
    pub size: u64,
    /// RFC 6962 root.
    pub root: [u8; 32],
}

/// Opens a checkpoint under a verifier key. Strict: the key's name is the origin, exactly one signature,
/// no extension lines, one spelling. `None` for anything else.
pub fn open_checkpoint(bytes: &[u8], vkey: &str) -> Option<Opened> {
    let verifier = StandardVerifier::new(vkey).ok()?;
    let note = Note::from_bytes(bytes).ok()?;
    let (good, unknown) = note
        .verify(&VerifierList::new(vec![Box::new(verifier)]))
        .ok()?;
    let signature: &Signature = good.first()?;
    let checkpoint = Checkpoint::from_bytes(note.text()).ok()?;
    let strict = unknown.is_empty()
        && note.to_bytes() == bytes
        && one_signature(bytes)
        && checkpoint.to_bytes() == note.text()
        && checkpoint.origin() == signature.name()
        && checkpoint.extension().is_empty()
        && checkpoint.size() <= MAX_SIZE;
    let Hash(root) = *checkpoint.hash();
    strict.then(|| Opened {
        origin: checkpoint.origin().to_owned(),
        size: checkpoint.size(),
        root,
    })
}

/// Text of three lines, an empty one, one signature.
fn one_signature(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| **byte == b'\n').count() == 5
}
