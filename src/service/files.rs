//! Where big things are: encrypted files under the data directory, each with a data key of its own.
//!
//! ```text
//! instance          this instance's id
//! uploads/ID        spool of an upload, while it is received and until it is sealed
//! sets/ID/          layer that an upload was sealed to
//! compacted/ID/     the whole set of an upload as one layer
//! withdrawals/ID    sealed tokens
//! members/ID        what a destination was told, or may have been told
//! emissions/ID      whom the gate let out, and whom it keeps for control
//! consent/ID/       consent records of an upload, kept when its set is gone
//! log/              checkpoint and tiles; public
//! ```
//!
//! Wrapped keys are in the database. A key is bound to what it encrypts by its context: a file or a
//! key that was moved to another place does not open.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tamis_keys::Entropy;
use tamis_keys::envelope::{self, WrappedKey};
use tamis_keys::purpose::Data;
use tamis_keys::{Secret, home};

use super::{Service, ServiceError};
use crate::domain::id::Id;

const DIRS: [&str; 8] = [
    "uploads",
    "sets",
    "compacted",
    "withdrawals",
    "members",
    "emissions",
    "consent",
    "log",
];

/// The data directory.
pub(super) struct Files {
    root: PathBuf,
}

impl Files {
    /// Makes the directories, for their owner only.
    pub(super) fn create(root: &Path) -> io::Result<Files> {
        for name in DIRS {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(root.join(name))?;
        }
        fs::File::open(root)?.sync_all()?;
        Ok(Files {
            root: root.to_owned(),
        })
    }

    /// The id in `instance`, made at the first start.
    pub(super) fn instance(&self, entropy: &dyn Entropy) -> io::Result<Id> {
        let path = self.root.join("instance");
        match fs::read_to_string(&path) {
            Ok(text) => Id::parse(text.trim()).ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the file `instance` is not an id",
                )
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let id = Id::random(entropy);
                home::write_private(&path, id.to_string().as_bytes()).map_err(io::Error::other)?;
                Ok(id)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn spool(&self, upload: Id) -> PathBuf {
        self.root.join("uploads").join(upload.to_string())
    }

    pub(super) fn set(&self, upload: Id) -> PathBuf {
        self.root.join("sets").join(upload.to_string())
    }

    pub(super) fn compacted(&self, upload: Id) -> PathBuf {
        self.root.join("compacted").join(upload.to_string())
    }

    pub(super) fn withdrawal(&self, withdrawal: Id) -> PathBuf {
        self.root.join("withdrawals").join(withdrawal.to_string())
    }

    pub(super) fn members(&self, file: Id) -> PathBuf {
        self.root.join("members").join(file.to_string())
    }

    pub(super) fn emission(&self, file: Id) -> PathBuf {
        self.root.join("emissions").join(file.to_string())
    }

    pub(super) fn consent(&self, upload: Id) -> PathBuf {
        self.root.join("consent").join(upload.to_string())
    }

    pub(super) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// What lies in the directory of a kind: its path, and its id if it has one.
    pub(super) fn list(&self, kind: Kind) -> io::Result<Vec<(PathBuf, Option<Id>)>> {
        fs::read_dir(self.root.join(kind.dir()))?
            .map(|entry| {
                let path = entry?.path();
                let name = path.file_name().and_then(|name| name.to_str());
                let id = name.and_then(Id::parse);
                Ok((path, id))
            })
            .collect()
    }
}

/// Kinds of files. All but withdrawals are written after their row, or only by jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Spools,
    Sets,
    Compacted,
    Withdrawals,
    Members,
    Emissions,
    Consent,
}

impl Kind {
    pub(super) fn dir(self) -> &'static str {
        match self {
            Kind::Spools => "uploads",
            Kind::Sets => "sets",
            Kind::Compacted => "compacted",
            Kind::Withdrawals => "withdrawals",
            Kind::Members => "members",
            Kind::Emissions => "emissions",
            Kind::Consent => "consent",
        }
    }
}

/// What a data key encrypts.
#[derive(Clone, Copy)]
pub(super) enum Object<'a> {
    Upload(Id),
    Withdrawal(Id),
    Members(Id),
    Emission(Id),
    /// Head and hashes of an upload's consent records.
    Ledger(Id),
    /// What the keys of chunks that were never rewritten are made of.
    LedgerSeed(Id),
    /// One chunk, and how often it was rewritten.
    LedgerChunk(Id, u32, u32),
    Choice(&'a str, &'a str),
    Webhook(&'a str),
}

impl Object<'_> {
    /// The context that key and ciphertext are bound to.
    pub(super) fn context(self) -> String {
        match self {
            Object::Upload(id) => format!("upload/{id}"),
            Object::Withdrawal(id) => format!("withdrawal/{id}"),
            Object::Members(id) => format!("members/{id}"),
            Object::Emission(id) => format!("emission/{id}"),
            Object::Ledger(id) => format!("ledger/{id}"),
            Object::LedgerSeed(id) => format!("ledger/{id}/seed"),
            Object::LedgerChunk(id, chunk, generation) => {
                format!("ledger/{id}/{chunk}/{generation}")
            }
            Object::Choice(advertiser, partner) => format!("choice/{advertiser}/{partner}"),
            Object::Webhook(party) => format!("webhook/{party}"),
        }
    }
}

impl Service {
    /// A new data key for an object, and its wrapped form for the database.
    pub(super) fn new_key(&self, object: Object<'_>) -> (Secret<Data>, String) {
        let key = Secret::generate(self.entropy());
        let wrapped = self.wrap(object, &key);
        (key, wrapped)
    }

    /// A data key in its wrapped form, for the database.
    pub(super) fn wrap(&self, object: Object<'_>, key: &Secret<Data>) -> String {
        let context = object.context();
        envelope::wrap(&self.0.parts.kek, key, &context, self.entropy()).to_string()
    }

    /// The data key of an object.
    pub(super) fn key(
        &self,
        object: Object<'_>,
        wrapped: &str,
    ) -> Result<Secret<Data>, ServiceError> {
        let failed = |error: &dyn std::fmt::Display| ServiceError::internal("data key", error);
        let wrapped: WrappedKey = wrapped.parse().map_err(|error| failed(&error))?;
        envelope::unwrap(&self.0.parts.kek, &wrapped, &object.context())
            .map_err(|error| failed(&error))
    }
}

/// Removes a file or a directory; that it is not there is fine.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
