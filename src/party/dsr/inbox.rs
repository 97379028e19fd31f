//! Requests that were taken: on the disk before they are acknowledged, until nothing of them is needed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tamis_keys::home::{create_private_dir, read_private, write_private};
use tamis_protocols::ddrf::{REQUEST_AGE, Request, SKEW, Subject};

use super::DsrError;

/// A request that was taken.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// SHA-256 of the token that brought it.
    pub(super) token: String,
    /// When it was taken, seconds since 1970.
    pub(super) at: i64,
    /// The answer, for whoever asks again; none once nobody can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<String>,
    /// Whom it is about; none once the erasures are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<Subject>,
    /// The erasures that were sent for it, by collaboration; empty where nothing could be made of it.
    #[serde(default)]
    pub(super) sent: BTreeMap<String, Vec<String>>,
}

/// What became of a request that arrived.
pub(super) enum Taken {
    /// It is on the disk.
    New,
    /// It was taken before, word for word: the answer it got.
    Again(String),
    /// Its id was used before, for something else, or too long ago to answer the same.
    Spent,
}

/// The inbox in a directory: a file each, named by a digest of requester and id. At one party only one
/// process takes requests into it.
pub struct Inbox {
    dir: PathBuf,
}

impl Inbox {
    /// Opens or makes the inbox of a home.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn open(home: &Path) -> Result<Inbox, DsrError> {
        let dir = home.join("dsr-inbox");
        create_private_dir(&dir)?;
        Ok(Inbox { dir })
    }

    /// Takes a request with its answer, durably.
    pub(super) fn take(
        &self,
        request: &Request,
        rq_jwt: &str,
        answer: &str,
        now: i64,
    ) -> Result<Taken, DsrError> {
        let token = hex::encode(Sha256::digest(rq_jwt));
        let path = self.dir.join(name(&request.requester, &request.id));
        if let Some(known) = read(&path)? {
            return Ok(match known.answer {
                Some(answer) if known.token == token => Taken::Again(answer),
                _ => Taken::Spent,
            });
        }
        let entry = Entry {
            token,
            at: now,
            answer: Some(answer.to_owned()),
            subject: Some(request.subject.clone()),
            sent: BTreeMap::new(),
        };
        write(&path, &entry)?;
        Ok(Taken::New)
    }

    /// Requests whose erasures are not all sent, with the file of each.
    pub(super) fn waiting(&self) -> Result<Vec<(PathBuf, Entry)>, DsrError> {
        let mut waiting = Vec::new();
        self.visit(|path, entry| {
            if entry.subject.is_some() {
                waiting.push((path.to_owned(), entry));
            }
            Ok(())
        })?;
        Ok(waiting)
    }

    /// Writes an entry back.
    pub(super) fn put(&self, path: &Path, entry: &Entry) -> Result<(), DsrError> {
        write(path, entry)
    }

    /// Forgets answers, which have the identifier in them, once a repetition would be too old to be taken.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn forget(&self, now: i64) -> Result<(), DsrError> {
        self.visit(|path, mut entry| {
            let late = entry.at.saturating_add(REQUEST_AGE + 2 * SKEW) < now;
            if entry.answer.is_some() && entry.subject.is_none() && late {
                entry.answer = None;
                write(path, &entry)?;
            }
            Ok(())
        })
    }

    /// How many that wait are about one of these identifiers, as they are written.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn about(&self, person: &[Subject]) -> Result<u64, DsrError> {
        let mut found = 0;
        self.visit(|_, entry| {
            let subject = entry.subject.as_ref();
            found += u64::from(subject.is_some_and(|subject| person.contains(subject)));
            Ok(())
        })?;
        Ok(found)
    }

    /// How many were taken, and how many of them wait.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn count(&self) -> Result<(u64, u64), DsrError> {
        let (mut all, mut waiting) = (0, 0);
        self.visit(|_, entry| {
            all += 1;
            waiting += u64::from(entry.subject.is_some());
            Ok(())
        })?;
        Ok((all, waiting))
    }

    fn visit(
        &self,
        mut visit: impl FnMut(&Path, Entry) -> Result<(), DsrError>,
    ) -> Result<(), DsrError> {
        let listed = fs::read_dir(&self.dir).map_err(|error| DsrError::file(&self.dir, error))?;
        for found in listed {
            let path = found
                .map_err(|error| DsrError::file(&self.dir, error))?
                .path();
            let whole = path.extension().is_some_and(|end| end == "json");
            if whole && let Some(entry) = read(&path)? {
                visit(&path, entry)?;
            }
        }
        Ok(())
    }
}

fn name(requester: &str, id: &str) -> String {
    let mut hash = Sha256::new_with_prefix("tamis/v1/dsr-inbox\0");
    hash.update((requester.len() as u64).to_be_bytes());
    hash.update(requester);
    hash.update(id);
    format!("{}.json", hex::encode(hash.finalize()))
}

fn read(path: &Path) -> Result<Option<Entry>, DsrError> {
    match read_private(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| DsrError::file(path, "is damaged")),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn write(path: &Path, entry: &Entry) -> Result<(), DsrError> {
    let bytes = serde_json::to_vec(entry).map_err(|error| DsrError::file(path, error))?;
    Ok(write_private(path, &bytes)?)
}
