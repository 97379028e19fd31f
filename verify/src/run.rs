//! A whole run: find the key, unpack if it is a pack, prove.

use std::io;
use std::path::{Path, PathBuf};

use tamis_protocols::audit::archive::{ArchiveError, Limits};
use tamis_protocols::audit::{Report, Violation, audit, file};
use tamis_protocols::transparency::{CHECKPOINT, WitnessVerifier, open_cosigned};

use super::{Directory, unpack};

/// Longest key, checkpoint or witness file that is read, bytes.
const SMALL: u64 = 64 << 10;

/// What is to be proven.
#[derive(Clone, Debug)]
pub struct Ask {
    /// A directory, or a pack.
    pub place: PathBuf,
    /// The log's verifier key; none: the one beside the log.
    pub key: Option<PathBuf>,
    /// Checkpoints that were kept.
    pub earlier: Vec<PathBuf>,
    /// Verifier keys of witnesses, all of whom must have cosigned the checkpoint.
    pub witnesses: Vec<PathBuf>,
    /// What a pack may hold.
    pub limits: Limits,
}

/// What was proven.
#[derive(Clone, Debug)]
pub struct Proof {
    /// What holds.
    pub report: Report,
    /// The key was the one beside the log: it shows that the files fit each other, not whose they are.
    pub own_key: bool,
}

/// Why nothing was proven.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file that was named cannot be used.
    #[error("{}: {problem}", .path.display())]
    Usage {
        /// Which.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The evidence is not as it should be.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The pack is none.
    #[error(transparent)]
    Pack(#[from] ArchiveError),
    /// A witness that was named did not cosign.
    #[error("the checkpoint is not cosigned by the witness {0}")]
    Witness(String),
}

/// Proves what is asked.
pub fn prove(ask: &Ask) -> Result<Proof, Failure> {
    if ask.place.is_dir() {
        return prove_in(&ask.place, ask);
    }
    if !ask.place.is_file() {
        return Err(usage(&ask.place, "neither a directory nor a pack"));
    }
    let scratch = tempfile::tempdir().map_err(|error| usage(Path::new("scratch"), error))?;
    unpack(&ask.place, scratch.path(), ask.limits)?;
    if !scratch.path().join(CHECKPOINT).is_file() {
        return Err(Violation::absent(CHECKPOINT).into());
    }
    prove_in(scratch.path(), ask)
}

fn prove_in(directory: &Path, ask: &Ask) -> Result<Proof, Failure> {
    if !directory.join(CHECKPOINT).is_file() {
        return Err(usage(directory, "it holds no log: there is no checkpoint"));
    }
    let (key_file, own_key) = match &ask.key {
        Some(file) => (file.clone(), false),
        None => (directory.join(file::KEY), true),
    };
    let key = text(&key_file)?;
    let key = key.trim();
    let earlier = ask.earlier.iter().map(|file| Ok(text(file)?.into_bytes()));
    let earlier = earlier.collect::<Result<Vec<_>, Failure>>()?;
    cosigned(directory, key, &ask.witnesses)?;
    let report = audit(&Directory::new(directory), key, &earlier)?;
    Ok(Proof { report, own_key })
}

/// Every witness that was named has cosigned the checkpoint.
fn cosigned(directory: &Path, key: &str, files: &[PathBuf]) -> Result<(), Failure> {
    for file in files {
        let vkey = text(file)?;
        let witness = WitnessVerifier::parse(vkey.trim())
            .ok_or_else(|| usage(file, "not a witness's verifier key"))?;
        let name = witness.name().to_owned();
        let checkpoint = text(&directory.join(CHECKPOINT))?;
        let opened = open_cosigned(checkpoint.as_bytes(), key, &[witness]);
        if opened.is_none_or(|opened| opened.by.is_empty()) {
            return Err(Failure::Witness(name));
        }
    }
    Ok(())
}

fn text(path: &Path) -> Result<String, Failure> {
    let size = std::fs::metadata(path).map_err(|error| usage(path, error))?;
    if size.len() > SMALL {
        return Err(usage(path, io::Error::from(io::ErrorKind::FileTooLarge)));
    }
    std::fs::read_to_string(path).map_err(|error| usage(path, error))
}

fn usage(path: &Path, problem: impl std::fmt::Display) -> Failure {
    Failure::Usage {
        path: path.to_owned(),
        problem: problem.to_string(),
    }
}
