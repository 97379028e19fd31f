//! The operator's key directory: the key-encryption key and the log's signing key.

use std::path::{Path, PathBuf};

use super::marker::Marker;
use super::{HomeError, make, required};
use crate::kek::{self, KekError};
use crate::purpose::{KeyEncryption, LogSigning};
use crate::{Entropy, Secret};

const MARKER: Marker = Marker {
    file: "operator-home",
    kind: "operator",
    command: "tamis init",
};
const KEK: &str = "kek.key";
const LOG_SIGNING: &str = "log-signing.key";

/// An open operator directory.
pub struct OperatorHome {
    path: PathBuf,
    log_signing: Secret<LogSigning>,
}

impl OperatorHome {
    /// Makes the directory and the keys; takes up an interrupted creation, refuses a finished one.
    pub fn create(path: &Path, entropy: &dyn Entropy) -> Result<Self, HomeError> {
        MARKER.begin(path)?;
        make::<KeyEncryption>(&path.join(KEK), entropy)?;
        make::<LogSigning>(&path.join(LOG_SIGNING), entropy)?;
        MARKER.finish(path)?;
        Self::open(path)
    }

    /// Opens a finished directory. The key-encryption key is read only by [`OperatorHome::kek`]: an
    /// operator whose key comes from a command deletes the file.
    pub fn open(path: &Path) -> Result<Self, HomeError> {
        MARKER.require(path)?;
        Ok(OperatorHome {
            path: path.to_owned(),
            log_signing: required(&path.join(LOG_SIGNING))?,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key-encryption key, from the command if one is given, else from its file.
    pub fn kek(&self, command: Option<&str>) -> Result<Secret<KeyEncryption>, KekError> {
        kek::load(&self.path.join(KEK), command)
    }

    /// The Ed25519 seed that signs checkpoints of the log.
    pub fn log_signing(&self) -> Secret<LogSigning> {
        self.log_signing.duplicate()
    }
}
