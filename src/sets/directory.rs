//! Building beside, then renaming: nothing half-written is ever visible under its final name.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Dir, RenameFlags, renameat_with};

use super::SetError;

/// The names of what is in a directory. Not by the standard library, which panics if closing one fails.
///
/// # Errors
/// The directory cannot be read.
pub(super) fn names(directory: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::new(File::open(directory)?)? {
        let name = entry?.file_name().to_bytes().to_owned();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(&name).to_owned());
        }
    }
    Ok(names)
}

/// A directory or file under construction at `PATH.tmp`; removed again unless it is published.
pub(super) struct Staged {
    temporary: PathBuf,
    target: PathBuf,
    published: bool,
}

impl Staged {
    /// An empty directory, mode 0700; what an earlier crash left there is removed.
    pub(super) fn directory(target: &Path) -> Result<Self, SetError> {
        let staged = Staged::beside(target);
        staged.clear().map_err(SetError::io(&staged.temporary))?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&staged.temporary)
            .map_err(SetError::io(&staged.temporary))?;
        Ok(staged)
    }

    /// Removes what an earlier crash left beside a directory that is not to be built now.
    pub(super) fn clear_beside(target: &Path) -> Result<(), SetError> {
        let staged = Staged::beside(target);
        staged.clear().map_err(SetError::io(&staged.temporary))
    }

    /// A place for one file.
    pub(super) fn file(target: &Path) -> Result<Self, SetError> {
        let staged = Staged::beside(target);
        staged.clear().map_err(SetError::io(&staged.temporary))?;
        Ok(staged)
    }

    /// Where to build.
    pub(super) fn path(&self) -> &Path {
        &self.temporary
    }

    /// Renames to the target and makes the rename durable. The content must be synced already.
    pub(super) fn publish(self) -> Result<(), SetError> {
        self.rename(true)
    }

    /// Renames to the target; durable only if `durable`.
    pub(super) fn rename(mut self, durable: bool) -> Result<(), SetError> {
        let fail = SetError::io(&self.target);
        if durable && self.temporary.is_dir() {
            sync_directory(&self.temporary)?;
        }
        fs::rename(&self.temporary, &self.target).map_err(fail)?;
        self.published = true;
        match durable {
            true => sync_parent(&self.target),
            false => Ok(()),
        }
    }

    /// Takes the place of the directory that is at the target, in one step, and removes that, whose files are
    /// `old`; durable. The content must be synced already. A kill in between leaves what was replaced at
    /// `PATH.tmp`.
    pub(super) fn replace<'a>(
        mut self,
        old: impl Iterator<Item = &'a str>,
    ) -> Result<(), SetError> {
        sync_directory(&self.temporary)?;
        let fail = SetError::io(&self.target);
        renameat_with(
            CWD,
            &self.temporary,
            CWD,
            &self.target,
            RenameFlags::EXCHANGE,
        )
        .map_err(|error| fail(error.into()))?;
        // From here on what is beside it is the old one: no error removes the new one.
        self.published = true;
        sync_parent(&self.target)?;
        for name in old {
            let path = self.temporary.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(SetError::io(&path)(error));
                }
                _ => {}
            }
        }
        fs::remove_dir(&self.temporary).map_err(SetError::io(&self.temporary))?;
        sync_parent(&self.target)
    }

    fn beside(target: &Path) -> Self {
        let mut temporary = target.as_os_str().to_owned();
        temporary.push(".tmp");
        Staged {
            temporary: temporary.into(),
            target: target.to_owned(),
            published: false,
        }
    }

    fn clear(&self) -> io::Result<()> {
        let removed = match fs::symlink_metadata(&self.temporary) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&self.temporary),
            Ok(_) => fs::remove_file(&self.temporary),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            // Best effort: the next attempt clears it as well.
            let _ = self.clear();
        }
    }
}

/// A new file, mode 0600, for reading and writing; an error if it is there already.
pub(super) fn create_file(path: &Path) -> Result<File, SetError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(SetError::io(path))
}

/// Makes the names in the directory that holds `path` durable.
pub(super) fn sync_parent(path: &Path) -> Result<(), SetError> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        _ => sync_directory(Path::new(".")),
    }
}

fn sync_directory(path: &Path) -> Result<(), SetError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(SetError::io(path))
}
