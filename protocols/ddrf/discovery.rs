//! `/dsrdelete.json`: what a company takes, where, and by which keys it is known.

use serde::{Deserialize, Serialize};

use super::jwk::Jwk;
use super::subject::{Format, Kind};

/// Longest resource, in bytes.
pub const DISCOVERY_MAX: usize = 256 * 1024;
/// Most keys and most identifiers of one.
const MOST: usize = 64;

/// An identifier that requests may carry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supported {
    /// Counted from 1.
    pub id: u32,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// How it is written.
    pub format: String,
}

/// The resource. Fields that are not known are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    /// Where requests are posted, an `https` address.
    pub endpoint: String,
    /// What they may be about.
    pub identifiers: Vec<Supported>,
    /// The keys that sign what this company sends.
    #[serde(rename = "publicKey")]
    pub keys: Vec<Jwk>,
    /// Whether requests can be made by a script on a page alone.
    #[serde(rename = "vendorScriptRequirement")]
    pub needs_script: bool,
}

impl Discovery {
    /// What tamis publishes: e-mail addresses and phone numbers, plain or as SHA-256.
    pub fn new(endpoint: String, key: Jwk) -> Discovery {
        let kinds = [Kind::Email, Kind::Phone];
        let formats = [Format::Sha256, Format::Plain];
        let all = kinds
            .into_iter()
            .flat_map(|kind| formats.map(|format| (kind, format)));
        Discovery {
            endpoint,
            identifiers: (1..)
                .zip(all)
                .map(|(id, (kind, format))| Supported {
                    id,
                    kind: kind.as_str().to_owned(),
                    format: format.as_str().to_owned(),
                })
                .collect(),
            keys: vec![key],
            needs_script: false,
        }
    }

    /// Reads a resource; none if it is not one, or is too large.
    pub fn parse(bytes: &[u8]) -> Option<Discovery> {
        if bytes.len() > DISCOVERY_MAX {
            return None;
        }
        let found: Discovery = serde_json::from_slice(bytes).ok()?;
        let few = found.identifiers.len() <= MOST && found.keys.len() <= MOST;
        (few && found.endpoint.starts_with("https://")).then_some(found)
    }

    /// Whether requests may carry that identifier.
    pub fn takes(&self, kind: Kind, format: Format) -> bool {
        let mut all = self.identifiers.iter();
        all.any(|one| one.kind == kind.as_str() && one.format == format.as_str())
    }
}
