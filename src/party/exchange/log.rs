//! Fetching the transparency log: checkpoint, entry bundles and tiles into a directory of files from which
//! it can be verified offline.
//!
//! Flow: checkpoint, then every tile of that size (C2SP tlog-tiles: full ones, and the partial one at the
//! right edge of each level); a full tile that is already there never changes and is not fetched again. The
//! checkpoint is written last: a directory cut short never claims more than it holds. The auditor learns
//! what every leaf says: who, what, when; never tokens, cookies or exact counts.

use std::io;
use std::path::{Path, PathBuf};

use tamis_protocols::transparency::{CHECKPOINT, TileStore, paths as tile_paths};

use super::error::ExchangeError;
use super::paths;
use crate::party::client::Client;

/// What was fetched.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Fetched {
    /// Leaves in the log.
    pub leaves: u64,
    /// Files that were not there yet.
    pub files: u64,
}

/// Brings the directory `out` to the service's newest checkpoint; `key` is the verifier key this party was
/// given at its invitation, written beside the checkpoint as `key`.
pub async fn fetch(client: &Client, out: &Path, key: &str) -> Result<Fetched, ExchangeError> {
    let checkpoint = must(client, CHECKPOINT).await?;
    let leaves =
        size_of(&checkpoint).ok_or(ExchangeError::Misunderstood("a checkpoint without a size"))?;
    let mut files = 0;
    for path in tile_paths(leaves) {
        let is_partial = path.contains(".p/");
        if !is_partial && out.join(&path).exists() {
            continue;
        }
        let bytes = must(client, &path).await?;
        store(out, &path, &bytes).map_err(super::enrolment::in_home)?;
        files += 1;
    }
    store(out, "key", format!("{}\n", key.trim_end()).as_bytes())
        .and_then(|()| store(out, CHECKPOINT, &checkpoint))
        .map_err(super::enrolment::in_home)?;
    Ok(Fetched { leaves, files })
}

/// A fetched log as the verifier reads it.
pub struct Directory(PathBuf);

impl Directory {
    /// The log in this directory.
    pub fn new(path: &Path) -> Self {
        Directory(path.to_owned())
    }
}

impl TileStore for Directory {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.0.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        store(&self.0, path, bytes)
    }

    fn list(&self) -> io::Result<Option<Vec<String>>> {
        let mut paths = Vec::new();
        walk(&self.0.join("tile"), "tile", &mut paths)?;
        Ok(Some(paths))
    }
}

/// Every file below `directory`, named from `name` on.
fn walk(directory: &Path, name: &str, paths: &mut Vec<String>) -> io::Result<()> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

async fn must(client: &Client, path: &str) -> Result<Vec<u8>, ExchangeError> {
    client
        .get_bytes(&format!("{}/{path}", paths::LOG))
        .await?
        .ok_or(ExchangeError::Misunderstood(
            "no file where the checkpoint promises one",
        ))
}

/// Writes a file of the log in one step; what a crash leaves half done lies outside of the tiles.
fn store(out: &Path, path: &str, bytes: &[u8]) -> io::Result<()> {
    let place = out.join(path);
    std::fs::create_dir_all(place.parent().unwrap_or(out))?;
    let beside = out.join(".part");
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, place)
}

/// The second line of a checkpoint is the tree's size.
fn size_of(checkpoint: &[u8]) -> Option<u64> {
    std::str::from_utf8(checkpoint)
        .ok()?
        .lines()
        .nth(1)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_directory_lists_its_tiles_and_nothing_else() {
        let out = tempfile::tempdir().unwrap();
        let mut log = Directory::new(out.path());
        assert_eq!(log.list().unwrap().unwrap(), Vec::<String>::new());
        for path in ["tile/entries/000.p/3", "tile/0/000.p/3", "key"] {
            log.write(path, b"x").unwrap();
        }
        let mut listed = log.list().unwrap().unwrap();
        listed.sort();
        assert_eq!(listed, ["tile/0/000.p/3", "tile/entries/000.p/3"]);
        assert_eq!(log.read("key").unwrap().unwrap(), b"x");
        assert!(log.read("checkpoint").unwrap().is_none());
    }

    #[test]
    fn the_size_is_read_from_the_checkpoint() {
        assert_eq!(size_of(b"tamis\n17\nAAAA\n\n- sig\n"), Some(17));
        assert_eq!(size_of(b"tamis\n"), None);
        assert_eq!(size_of(&[0xff, b'\n', b'1']), None);
    }
}
