//! A leaf: who did what when, as one line of JSON with exactly one spelling.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::event::Event;
use super::field::{is_hex, is_name, require};

/// Longest leaf, bytes.
pub const LEAF_MAX: usize = 4096;

const VERSION: u32 = 1;

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// 1.
    pub version: u32,
    /// RFC 3339, UTC, ending in `Z`.
    pub time: String,
    /// Name of the party that acted, or `operator`.
    pub actor: String,
    /// What happened.
    pub event: Event,
    /// Digest of the release policy, where one was applied: 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// Why bytes are not a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// Over [`LEAF_MAX`] bytes.
    #[error("longer than 4,096 bytes")]
    TooLong,
    /// Not this JSON: a field is missing, unknown, or of another type.
    #[error("not a leaf, or with fields that this version does not know")]
    NotALeaf,
    /// Another version.
    #[error("of a version that is not 1")]
    Version,
    /// The same content spelt in another way.
    #[error("not in its one canonical spelling")]
    Spelling,
    /// A field's value is malformed; which one.
    #[error("with a malformed {0}")]
    Field(&'static str),
}

impl Leaf {
    /// A leaf of the present version; `time` is RFC 3339 in UTC.
    pub fn new(time: String, actor: &str, event: Event, policy: Option<String>) -> Self {
        Leaf {
            version: VERSION,
            time,
            actor: actor.to_owned(),
            event,
            policy,
        }
    }

    /// The canonical bytes: JSON without white space, fields in the order of the declaration.
    pub fn to_bytes(&self) -> Vec<u8> {
        match serde_json::to_vec(self) {
            Ok(bytes) => bytes,
            Err(_) => unreachable!("text, numbers and booleans always have a JSON form"),
        }
    }

    /// Reads canonical bytes, and nothing else.
    pub fn parse(bytes: &[u8]) -> Result<Leaf, LeafError> {
        if bytes.len() > LEAF_MAX {
            return Err(LeafError::TooLong);
        }
        let leaf: Leaf = serde_json::from_slice(bytes).map_err(|_| LeafError::NotALeaf)?;
        if leaf.version != VERSION {
            return Err(LeafError::Version);
        }
        if leaf.to_bytes() != bytes {
            return Err(LeafError::Spelling);
        }
        leaf.check()?;
        Ok(leaf)
    }

    /// Whether every field is what it should be.
    pub fn check(&self) -> Result<(), LeafError> {
        require("time", is_time(&self.time))?;
        require("actor", is_name(&self.actor))?;
        if let Some(policy) = &self.policy {
            require("policy", is_hex(policy, 64))?;
        }
        self.event.check()
    }
}

/// SHA-256 of a public key, in hexadecimal.
pub fn key_fingerprint(public: &[u8; 32]) -> String {
    hex::encode(Sha256::digest(public))
}

fn is_time(text: &str) -> bool {
    text.len() <= 35
        && text.ends_with('Z')
        && text.as_bytes().get(10) == Some(&b'T')
        && text.parse::<jiff::Timestamp>().is_ok()
}
