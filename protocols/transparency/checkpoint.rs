//! Checkpoints: size and root of the log as a signed note (C2SP tlog-checkpoint, signed-note).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use signed_note::{
    Note, Signature, StandardVerifier, Verifier, VerifierList, is_key_name_valid, key_id,
};
use tamis_keys::Secret;
use tamis_keys::purpose::LogSigning;
use tamis_keys::signing::SigningKey;
use tlog_tiles::{Checkpoint, Hash};

use super::cosignature::{Cosignature, MAX_COSIGNATURES, WitnessVerifier};
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

/// Whether a text can name a key in a signed note.
pub(super) fn is_name(text: &str) -> bool {
    is_key_name_valid(text) && !text.chars().any(char::is_control)
}

/// The log's signing key and name.
pub struct LogKey {
    key: SigningKey<LogSigning>,
    origin: String,
}

impl LogKey {
    /// A log named `origin`, e.g. `tamis.example/log`.
    pub fn new(key: Secret<LogSigning>, origin: &str) -> Result<Self, BadOrigin> {
        if !is_name(origin) {
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
        let text = text(&self.origin, size, root);
        let id = key_id(&self.origin, &self.public());
        let signature = [&id.to_be_bytes()[..], &self.key.sign(text.as_bytes())].concat();
        format!("{text}\n— {} {}\n", self.origin, STANDARD.encode(signature))
    }

    fn public(&self) -> Vec<u8> {
        [&[ED25519][..], &self.key.public()].concat()
    }
}

/// The signed text: three lines.
pub(super) fn text(origin: &str, size: u64, root: &[u8; 32]) -> String {
    format!("{origin}\n{size}\n{}\n", STANDARD.encode(root))
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

/// What a checkpoint says, and which witnesses say that it continues what they saw before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// Size and root.
    pub head: Opened,
    /// The witnesses whose signatures hold, in the order of the lines, each once.
    pub by: Vec<Cosignature>,
}

/// Opens a checkpoint under a verifier key. Strict: the key's name is the origin, exactly one signature of
/// it, the first; no extension lines, one spelling. Up to [`MAX_COSIGNATURES`] lines of others may follow;
/// they are not judged. `None` for anything else.
pub fn open_checkpoint(bytes: &[u8], vkey: &str) -> Option<Opened> {
    Some(open_cosigned(bytes, vkey, &[])?.head)
}

/// [`open_checkpoint`], and the cosignatures of `witnesses`. A line that claims to be of one of them and
/// does not hold makes the whole checkpoint unreadable: somebody altered it. Lines of unknown keys are not
/// judged.
pub fn open_cosigned(bytes: &[u8], vkey: &str, witnesses: &[WitnessVerifier]) -> Option<Cosigned> {
    let verifier = StandardVerifier::new(vkey).ok()?;
    let own = (verifier.name().to_owned(), verifier.key_id());
    let mut known: Vec<Box<dyn Verifier>> = vec![Box::new(verifier)];
    for witness in witnesses {
        known.push(Box::new(witness.clone()));
    }
    let note = Note::from_bytes(bytes).ok()?;
    let (good, unknown) = note.verify(&VerifierList::new(known)).ok()?;
    let is_own = |one: &Signature| one.name() == own.0 && one.id() == own.1;
    let first = Signature::from_bytes(first_line(bytes)?).ok()?;
    let text = note.text();
    let checkpoint = Checkpoint::from_bytes(text).ok()?;
    let lines = good.len() + unknown.len();
    let strict = is_own(&first)
        && good.first().is_some_and(is_own)
        && note.to_bytes() == bytes
        // Repeated ones are dropped when they are verified.
        && newlines(bytes) == newlines(text) + 1 + lines
        && lines <= 1 + MAX_COSIGNATURES
        && checkpoint.to_bytes() == text
        && checkpoint.origin() == own.0
        && checkpoint.extension().is_empty()
        && checkpoint.size() <= MAX_SIZE;
    if !strict {
        return None;
    }
    let Hash(root) = *checkpoint.hash();
    let by = good[1..]
        .iter()
        .map(|line| Cosignature::of(line.name(), line.signature()));
    Some(Cosigned {
        head: Opened {
            origin: checkpoint.origin().to_owned(),
            size: checkpoint.size(),
            root,
        },
        by: by.collect::<Option<_>>()?,
    })
}

/// The first line behind the empty one that ends the text.
fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, lines) = text.rsplit_once("\n\n")?;
    lines.split('\n').next().map(str::as_bytes)
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}
