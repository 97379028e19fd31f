//! Private files: what only their owner may read, written so that a crash leaves the old or the new.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroizing;

use super::HomeError;

/// Longest private file that is read, bytes.
const MAX_FILE: u64 = 1 << 20;

/// Reads a file of at most 1 MiB; refuses one that group or others can use.
pub fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, HomeError> {
    let io = |e: std::io::Error| HomeError::io(path, &e);
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() || metadata.len() > MAX_FILE {
        return Err(HomeError::Io {
            path: path.to_owned(),
            kind: ErrorKind::InvalidData,
        });
    }
    check_mode(path, metadata.permissions().mode(), 0o600)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// Writes a file with mode 0600 in one atomic, durable step: afterwards `path` is the old content or
/// the new one, whatever fails, and after `Ok` it is the new one even through a power cut.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    write_by(&beside(path)?, path, bytes)
}

/// [`write_private`] for a file that one thread of one process writes: its temporary file has a name of its
/// own, so what a kill leaves of it is taken up by the next write.
pub fn replace_private(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().ok_or(HomeError::BadName)?);
    name.push(".tmp");
    write_by(&path.with_file_name(name), path, bytes)
}

fn write_by(temporary: &Path, path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    let written = fill(temporary, bytes)
        .and_then(|()| std::fs::rename(temporary, path))
        .map_err(|e| HomeError::io(path, &e));
    if written.is_err() {
        // The temporary file is of no use; that it may stay behind on a broken disk is harmless.
        let _ = std::fs::remove_file(temporary);
        return written;
    }
    sync_parent(path)
}

/// Writes files as [`write_private`] does, and syncs each directory once: afterwards each is the old content
/// or the new one, whatever fails, and after `Ok` all are the new ones even through a power cut.
pub fn write_private_all(files: &[(PathBuf, Vec<u8>)]) -> Result<(), HomeError> {
    let mut written = Vec::with_capacity(files.len());
    for (path, bytes) in files {
        let temporary = beside(path)?;
        let open = begin(&temporary, bytes).map_err(|e| HomeError::io(path, &e))?;
        written.push((temporary, open, path));
    }
    let mut parents = std::collections::BTreeSet::new();
    for (temporary, open, path) in written {
        open.sync_all()
            .and_then(|()| std::fs::rename(&temporary, path))
            .map_err(|e| HomeError::io(path, &e))?;
        parents.insert(path.parent());
    }
    for parent in parents.into_iter().flatten() {
        sync_dir(parent)?;
    }
    Ok(())
}

/// Creates a directory with mode 0700, and its parents; one that is there must not be wider.
pub fn create_private_dir(path: &Path) -> Result<(), HomeError> {
    let io = |e: std::io::Error| HomeError::io(path, &e);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(io)?;
    sync_parent(path)?;
    check_private_dir(path)
}

/// Refuses a directory that group or others can use.
pub(super) fn check_private_dir(path: &Path) -> Result<(), HomeError> {
    let metadata = std::fs::metadata(path).map_err(|e| HomeError::io(path, &e))?;
    check_mode(path, metadata.permissions().mode(), 0o700)
}

fn check_mode(path: &Path, mode: u32, wanted: u32) -> Result<(), HomeError> {
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(HomeError::TooOpen {
        path: path.to_owned(),
        mode: mode & 0o777,
        wanted,
    })
}

fn beside(path: &Path) -> Result<PathBuf, HomeError> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or(HomeError::BadName)?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let suffix = format!(".{}.{number}.tmp", std::process::id());
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(suffix);
    Ok(path.with_file_name(temporary))
}

fn fill(temporary: &Path, bytes: &[u8]) -> std::io::Result<()> {
    begin(temporary, bytes)?.sync_all()
}

/// The file with its content, not yet synced.
fn begin(temporary: &Path, bytes: &[u8]) -> std::io::Result<File> {
    // A crashed process with our id may have left one.
    if let Err(error) = std::fs::remove_file(temporary)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(temporary)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(bytes)?;
    Ok(file)
}

fn sync_parent(path: &Path) -> Result<(), HomeError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => return Ok(()),
    };
    sync_dir(parent)
}

fn sync_dir(path: &Path) -> Result<(), HomeError> {
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(|e| HomeError::io(path, &e))
}
