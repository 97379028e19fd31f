//! Cosignatures: a witness says that a checkpoint continues every one that it saw of this log before (C2SP
//! tlog-cosignature, `cosignature/v1`, Ed25519).
//!
//! What a witness learns: name, size and root of the log. What its word is worth: that nobody who asks for
//! it is shown another log than the witness was; not that what the log says is true.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use signed_note::{Signature, Verifier, key_id};
use tamis_keys::Secret;
use tamis_keys::purpose::WitnessSigning;
use tamis_keys::signing::{SigningKey, verify};

use super::checkpoint::{BadOrigin, is_name};

/// Most cosignature lines of a checkpoint.
pub const MAX_COSIGNATURES: usize = 15;

/// The algorithm byte of timestamped Ed25519 in signed notes.
const COSIGNATURE: u8 = 4;

/// A witness's signing key and name.
pub struct WitnessKey {
    key: SigningKey<WitnessSigning>,
    name: String,
}

impl WitnessKey {
    /// A witness named `name`, e.g. `witness.example/w1`.
    pub fn new(key: Secret<WitnessSigning>, name: &str) -> Result<Self, BadOrigin> {
        if !is_name(name) {
            return Err(BadOrigin);
        }
        Ok(WitnessKey {
            key: SigningKey::from_secret(&key),
            name: name.to_owned(),
        })
    }

    /// What verifies its cosignatures.
    pub fn verifier(&self) -> WitnessVerifier {
        WitnessVerifier {
            name: self.name.clone(),
            public: self.key.public(),
        }
    }

    /// The signature line, with its newline, over the text of a checkpoint (its lines before the empty
    /// one). `time` is in seconds since 1970.
    pub fn cosign(&self, text: &[u8], time: u64) -> String {
        let signature = self.key.sign(&message(text, time));
        let id = self.verifier().key_id();
        let body = [&id.to_be_bytes()[..], &time.to_be_bytes(), &signature];
        format!(
            "\u{2014} {} {}\n",
            self.name,
            STANDARD.encode(body.concat())
        )
    }
}

/// A witness's public key and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessVerifier {
    name: String,
    public: [u8; 32],
}

impl WitnessVerifier {
    /// Reads `<name>+<8 hexadecimal digits>+<base64 of 0x04 and the public key>`, in its one spelling.
    pub fn parse(vkey: &str) -> Option<Self> {
        let (name, rest) = vkey.split_once('+')?;
        let (_, key) = rest.split_once('+')?;
        let key = STANDARD.decode(key).ok()?;
        let (algorithm, public) = key.split_first()?;
        let found = WitnessVerifier {
            name: name.to_owned(),
            public: public.try_into().ok()?,
        };
        let strict = *algorithm == COSIGNATURE && is_name(name) && found.vkey() == vkey;
        strict.then_some(found)
    }

    /// The verifier key.
    pub fn vkey(&self) -> String {
        let (id, key) = (self.key_id(), STANDARD.encode(self.key()));
        format!("{}+{id:08x}+{key}", self.name)
    }

    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its Ed25519 public key.
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// The first line of `lines` that is its cosignature of `text` and holds, with its newline.
    pub fn pick(&self, text: &[u8], lines: &str) -> Option<String> {
        lines.split_inclusive('\n').find_map(|line| {
            let found = Signature::from_bytes(line.strip_suffix('\n')?.as_bytes()).ok()?;
            let own = found.name() == self.name && found.id() == self.key_id();
            (own && self.verify(text, found.signature())).then(|| line.to_owned())
        })
    }

    fn key(&self) -> Vec<u8> {
        [&[COSIGNATURE][..], &self.public].concat()
    }
}

impl Verifier for WitnessVerifier {
    fn name(&self) -> &str {
        &self.name
    }

    fn key_id(&self) -> u32 {
        key_id(&self.name, &self.key())
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        let Some((time, signature)) = parts(signature) else {
            return false;
        };
        verify(&self.public, &message(text, time), signature)
    }
}

/// A cosignature that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// The witness's name.
    pub witness: String,
    /// When it signed, seconds since 1970.
    pub time: u64,
}

impl Cosignature {
    pub(super) fn of(witness: &str, signature: &[u8]) -> Option<Self> {
        let (time, _) = parts(signature)?;
        Some(Cosignature {
            witness: witness.to_owned(),
            time,
        })
    }
}

/// Time and Ed25519 signature.
fn parts(signature: &[u8]) -> Option<(u64, &[u8; 64])> {
    let (time, signature) = signature.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    let signature = signature.try_into().ok()?;
    (time <= i64::MAX as u64).then_some((time, signature))
}

fn message(text: &[u8], time: u64) -> Vec<u8> {
    [format!("cosignature/v1\ntime {time}\n").as_bytes(), text].concat()
}
