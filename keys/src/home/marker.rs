//! The file that is written last: with it a key directory is finished.

use std::path::Path;

use super::files::{check_private_dir, create_private_dir, write_private};
use super::{HomeError, read_optional};

/// What marks one kind of key directory.
pub(super) struct Marker {
    /// The file's name.
    pub file: &'static str,
    /// What the directory is, in words.
    pub kind: &'static str,
    /// What makes one.
    pub command: &'static str,
}

impl Marker {
    /// Makes the directory, or takes up an interrupted creation; refuses a finished one.
    pub(super) fn begin(&self, path: &Path) -> Result<(), HomeError> {
        create_private_dir(path)?;
        if self.is_there(path)? {
            return Err(HomeError::AlreadyThere(path.to_owned()));
        }
        Ok(())
    }

    /// Everything else is there: the directory is finished.
    pub(super) fn finish(&self, path: &Path) -> Result<(), HomeError> {
        write_private(&path.join(self.file), b"1\n")
    }

    /// Refuses a directory that is not finished, or open to others.
    pub(super) fn require(&self, path: &Path) -> Result<(), HomeError> {
        if !self.is_there(path)? {
            return Err(HomeError::NotThere {
                path: path.to_owned(),
                kind: self.kind,
                command: self.command,
            });
        }
        check_private_dir(path)
    }

    fn is_there(&self, path: &Path) -> Result<bool, HomeError> {
        Ok(read_optional(&path.join(self.file))?.is_some())
    }
}
