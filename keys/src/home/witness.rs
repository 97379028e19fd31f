//! A witness's key directory: the key of its cosignatures, and named files (the logs it knows, what it
//! remembers of them) that belong with it.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::files::write_private;
use super::marker::Marker;
use super::{HomeError, make, named, read_optional, required};
use crate::purpose::WitnessSigning;
use crate::{Entropy, Secret};

const MARKER: Marker = Marker {
    file: "witness-home",
    kind: "witness",
    command: "tamis witness init",
};
const SIGNING: &str = "witness-signing.key";

/// An open witness directory.
pub struct WitnessHome {
    path: PathBuf,
    signing: Secret<WitnessSigning>,
}

impl WitnessHome {
    /// Makes the directory, the key and the `files` by name; takes up an interrupted creation, refuses a
    /// finished one.
    pub fn create(
        path: &Path,
        entropy: &dyn Entropy,
        files: &[(&str, &[u8])],
    ) -> Result<Self, HomeError> {
        MARKER.begin(path)?;
        make::<WitnessSigning>(&path.join(SIGNING), entropy)?;
        for (name, bytes) in files {
            write_private(&named(path, name)?, bytes)?;
        }
        MARKER.finish(path)?;
        Self::open(path)
    }

    /// Opens a finished directory.
    pub fn open(path: &Path) -> Result<Self, HomeError> {
        MARKER.require(path)?;
        Ok(WitnessHome {
            path: path.to_owned(),
            signing: required(&path.join(SIGNING))?,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The Ed25519 seed that cosigns checkpoints.
    pub fn signing(&self) -> Secret<WitnessSigning> {
        self.signing.duplicate()
    }

    /// Reads a named file; `None` if there is none.
    pub fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, HomeError> {
        read_optional(&named(&self.path, name)?)
    }

    /// Writes a named file in one atomic, durable step.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), HomeError> {
        write_private(&named(&self.path, name)?, bytes)
    }
}
