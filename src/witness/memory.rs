//! What a witness saw of one log: one file, replaced in one durable step before anybody is answered.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tamis_keys::home::{WitnessHome, read_private, replace_private};
use tamis_protocols::transparency::{Known, Seen, Verdict, Witness};

use super::WitnessError;

/// The file: size and root, and the checkpoint that said so, as evidence.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    origin: String,
    size: u64,
    root: String,
    checkpoint: String,
}

/// The memory of one log.
pub(super) struct Memory {
    pub(super) origin: String,
    path: PathBuf,
    last: Mutex<Option<Seen>>,
}

impl Memory {
    /// Makes the file of a log of which nothing was seen, unless there is one.
    pub(super) fn begin(home: &WitnessHome, origin: &str) -> Result<(), WitnessError> {
        let name = name(origin);
        if home.read(&name)?.is_some() {
            return Self::open(home, origin).map(drop);
        }
        let nothing = Record {
            origin: origin.to_owned(),
            size: 0,
            root: String::new(),
            checkpoint: String::new(),
        };
        Ok(home.write(&name, &encode(&nothing)?)?)
    }

    /// Reads the file; it must be there.
    pub(super) fn open(home: &WitnessHome, origin: &str) -> Result<Self, WitnessError> {
        let path = home.path().join(name(origin));
        let forgotten = || WitnessError::Forgotten(origin.to_owned());
        let bytes = read_private(&path).map_err(|error| match error.is_not_found() {
            true => forgotten(),
            false => error.into(),
        })?;
        let record: Record = serde_json::from_slice(&bytes).map_err(|_| forgotten())?;
        if record.origin != origin {
            return Err(forgotten());
        }
        let last = match record.root.as_str() {
            "" if record.size == 0 => None,
            text => {
                let mut root = [0; 32];
                hex::decode_to_slice(text, &mut root).map_err(|_| forgotten())?;
                Some(Seen {
                    size: record.size,
                    root,
                })
            }
        };
        Ok(Memory {
            origin: origin.to_owned(),
            path,
            last: Mutex::new(last),
        })
    }

    /// Decides and remembers in one step: of two requests at once the second decides on what the first left.
    /// What is to be cosigned is on disk for good when this returns.
    pub(super) fn take(&self, known: &Known) -> Result<Verdict, WitnessError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = Witness::consider(last.as_ref(), known);
        if let Verdict::Cosign { seen, .. } = &verdict
            && last.as_ref() != Some(seen)
        {
            let record = Record {
                origin: self.origin.clone(),
                size: seen.size,
                root: hex::encode(seen.root),
                checkpoint: String::from_utf8_lossy(known.checkpoint()).into_owned(),
            };
            // If this fails nobody is answered, so whichever of the two the disk has may be gone on from.
            replace_private(&self.path, &encode(&record)?)?;
            *last = Some(*seen);
        }
        Ok(verdict)
    }
}

/// A name for the file that no origin can lead out of the directory with.
fn name(origin: &str) -> String {
    format!("seen-{}", &hex::encode(Sha256::digest(origin))[..32])
}

fn encode(record: &Record) -> Result<Vec<u8>, WitnessError> {
    serde_json::to_vec(record).map_err(|error| WitnessError::Io(error.into()))
}
