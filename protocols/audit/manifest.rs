//! The manifest of a pack: which log it is of, and the digest of every file that the log does not prove.

use std::io::Read as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::evidence::{Evidence, file};
use super::lines::canonical;
use super::violation::{Problem, Violation};
use crate::transparency::{CHECKPOINT, Opened};

/// What a pack holds. Its file is one line of JSON in one spelling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// 1.
    pub version: u32,
    /// The log's name.
    pub origin: String,
    /// Its leaves.
    pub size: u64,
    /// Its root, 64 hexadecimal digits.
    pub root: String,
    /// Exactly the files of [`file::LISTED`], in that order.
    pub files: Vec<Listed>,
}

/// A file of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Its path.
    pub path: String,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// The manifest of the files that are there.
    pub fn of(store: &dyn Evidence, head: &Opened) -> Result<Manifest, Violation> {
        let listed = file::LISTED.iter().map(|path| listed(store, path));
        Ok(Manifest {
            version: 1,
            origin: head.origin.clone(),
            size: head.size,
            root: hex::encode(head.root),
            files: listed.collect::<Result<_, _>>()?,
        })
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        match serde_json::to_string(self) {
            Ok(line) => format!("{line}\n").into_bytes(),
            Err(_) => unreachable!("text and numbers always have a JSON form"),
        }
    }

    /// Reads a file's bytes, and nothing else.
    pub fn parse(bytes: &[u8]) -> Option<Manifest> {
        canonical(bytes.strip_suffix(b"\n")?)
    }
}

/// Whether there is a manifest; then whether everything is as it says.
pub(super) fn check(store: &dyn Evidence, head: &Opened) -> Result<bool, Violation> {
    let mut others = store
        .others()
        .map_err(|error| Violation::unreadable(".", &error))?;
    others.sort();
    let is_there = |path: &str| others.iter().any(|other| other == path);
    if !is_there(file::MANIFEST) {
        // A bare log has these two.
        let bare = [file::KEY, CHECKPOINT];
        let listed = file::LISTED.iter().filter(|path| !bare.contains(path));
        return match listed.copied().find(|path| is_there(path)) {
            Some(_) => Err(missing(file::MANIFEST)),
            None => Ok(false),
        };
    }
    let mut expected: Vec<&str> = file::LISTED.to_vec();
    expected.push(file::MANIFEST);
    if let Some(path) = others
        .iter()
        .find(|path| !expected.contains(&path.as_str()))
    {
        return Err(Violation::file(path, Problem::Unexpected));
    }
    let bytes = small(store, file::MANIFEST)?;
    let manifest = Manifest::parse(&bytes)
        .ok_or_else(|| Violation::file(file::MANIFEST, Problem::Spelling))?;
    let made = Manifest::of(store, head)?;
    if let Some((_, made)) =
        (manifest.files.iter().zip(&made.files)).find(|(said, made)| said != made)
    {
        return Err(Violation::file(&made.path, Problem::Digest));
    }
    match manifest == made {
        true => Ok(true),
        false => Err(Violation::file(file::MANIFEST, Problem::OtherLog)),
    }
}

/// A file of at most 64 KiB.
pub(super) fn small(store: &dyn Evidence, path: &str) -> Result<Vec<u8>, Violation> {
    const MOST: u64 = 64 << 10;
    let mut bytes = Vec::new();
    opened(store, path)?
        .take(MOST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Violation::unreadable(path, &error))?;
    match bytes.len() as u64 > MOST {
        true => Err(Violation::file(path, Problem::Spelling)),
        false => Ok(bytes),
    }
}

/// A file that must be there.
pub(super) fn opened<'a>(
    store: &'a dyn Evidence,
    path: &str,
) -> Result<Box<dyn std::io::BufRead + 'a>, Violation> {
    store
        .open(path)
        .map_err(|error| Violation::unreadable(path, &error))?
        .ok_or_else(|| missing(path))
}

fn listed(store: &dyn Evidence, path: &str) -> Result<Listed, Violation> {
    let mut content = opened(store, path)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut buffer = [0; 16 << 10];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hash.update(&buffer[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Violation::unreadable(path, &error)),
        }
    }
    Ok(Listed {
        path: path.to_owned(),
        bytes,
        sha256: hex::encode(hash.finalize()),
    })
}

fn missing(path: &str) -> Violation {
    Violation::file(path, Problem::Missing)
}
