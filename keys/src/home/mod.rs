//! Key directories: a party's, the operator's and a witness's.
//!
//! Directories are 0700 and files 0600; anything wider is refused with the command that repairs it.
//! Every write is atomic and durable: a temporary file beside the target, synced, renamed, and the
//! directory synced. A marker file written last says that the directory is complete, so that an
//! interrupted creation is taken up again and never mistaken for a finished one.

mod files;
mod marker;
mod operator;
mod party;
mod witness;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::{Entropy, Purpose, Secret, keyfile};

pub use files::{
    create_private_dir, read_private, replace_private, write_private, write_private_all,
};
pub use operator::OperatorHome;
pub use party::PartyHome;
pub use witness::WitnessHome;

/// Why a key directory or a file in it cannot be used. Names files, never what is in them.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// Creation was asked for where a finished directory is.
    #[error("{0} already holds keys: use it as it is, or name another directory")]
    AlreadyThere(PathBuf),
    /// There is no finished directory.
    #[error("{path} is no {kind} directory: create it with `{command}`")]
    NotThere {
        /// The directory.
        path: PathBuf,
        /// What it should be.
        kind: &'static str,
        /// What to run.
        command: &'static str,
    },
    /// Others can read or write it.
    #[error("{path} can be used by others (mode {mode:03o}): run `chmod {wanted:o} {path}`")]
    TooOpen {
        /// The file or directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode it should have.
        wanted: u32,
    },
    /// Malformed, or a key of another purpose.
    #[error("{0} is not the key it should be: restore it from a backup")]
    NotAKey(PathBuf),
    /// A name that is not allowed for a file in the directory.
    #[error(
        "a file in a key directory is named with letters, digits, dots, dashes and underscores only"
    )]
    BadName,
    /// A pair share or pair secret is there already, and is another one.
    #[error("{0} already holds another secret for this collaboration: it is not overwritten")]
    Conflict(PathBuf),
    /// The system's own reason.
    #[error("{path}: {kind}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        kind: ErrorKind,
    },
}

impl HomeError {
    fn io(path: &Path, error: &std::io::Error) -> Self {
        HomeError::Io {
            path: path.to_owned(),
            kind: error.kind(),
        }
    }

    /// Whether the file is simply not there.
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            HomeError::Io {
                kind: ErrorKind::NotFound,
                ..
            }
        )
    }
}

impl From<HomeError> for std::io::Error {
    fn from(error: HomeError) -> Self {
        let kind = match error {
            HomeError::Io { kind, .. } => kind,
            HomeError::NotThere { .. } => ErrorKind::NotFound,
            HomeError::TooOpen { .. } => ErrorKind::PermissionDenied,
            _ => ErrorKind::InvalidData,
        };
        std::io::Error::new(kind, error)
    }
}

/// A file of the directory: no separators, no leading dot.
fn named(dir: &Path, name: &str) -> Result<PathBuf, HomeError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.len() > 128 || name.starts_with('.') || !name.chars().all(plain) {
        return Err(HomeError::BadName);
    }
    Ok(dir.join(name))
}

fn read_optional(path: &Path) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, HomeError> {
    match read_private(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn load<P: Purpose>(path: &Path) -> Result<Option<Secret<P>>, HomeError> {
    match read_optional(path)? {
        Some(bytes) => keyfile::decode(&bytes)
            .map(Some)
            .ok_or_else(|| HomeError::NotAKey(path.to_owned())),
        None => Ok(None),
    }
}

fn required<P: Purpose>(path: &Path) -> Result<Secret<P>, HomeError> {
    load(path)?.ok_or_else(|| HomeError::Io {
        path: path.to_owned(),
        kind: ErrorKind::NotFound,
    })
}

/// Stores a secret where none is; the same one again is fine, another one is not.
fn store_once<P: Purpose>(path: &Path, secret: &Secret<P>) -> Result<(), HomeError> {
    match load::<P>(path)? {
        Some(there) if there.ct_eq(secret) => Ok(()),
        Some(_) => Err(HomeError::Conflict(path.to_owned())),
        None => write_private(path, keyfile::encode(secret).as_bytes()),
    }
}

/// Makes a key where none is: an interrupted creation may have left some.
fn make<P: Purpose>(path: &Path, entropy: &dyn Entropy) -> Result<(), HomeError> {
    match load::<P>(path)? {
        Some(_) => Ok(()),
        None => write_private(
            path,
            keyfile::encode(&Secret::<P>::generate(entropy)).as_bytes(),
        ),
    }
}

#[cfg(test)]
mod tests;
