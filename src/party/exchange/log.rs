//! Fetching the transparency log: checkpoint, entry bundles and tiles into a directory of files from which
//! it can be verified offline.
//!
//! Flow: checkpoint, then every tile of that size (C2SP tlog-tiles: full ones, and the partial one at the
//! right edge of each level); a full tile that is already there never changes and is not fetched again. The
//! checkpoint is written last: a directory cut short never claims more than it holds. The auditor learns
//! what every leaf says: who, what, when; never tokens, cookies or exact counts.

use std::io;
use std::path::Path;

use tamis_protocols::transparency::{CHECKPOINT, paths as tile_paths};

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
    fn the_size_is_read_from_the_checkpoint() {
        assert_eq!(size_of(b"tamis\n17\nAAAA\n\n- sig\n"), Some(17));
        assert_eq!(size_of(b"tamis\n"), None);
        assert_eq!(size_of(&[0xff, b'\n', b'1']), None);
    }
}
