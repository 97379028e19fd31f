//! Publishing: from new leaves to files, appending only.

use std::collections::BTreeMap;
use std::io;

use super::leaf::LEAF_MAX;
use super::place::{MAX_SIZE, Place};
use super::tree::{Edge, leaves};

/// The files of a log, by their path with `/`.
pub trait TileStore {
    /// The content of a file; `None` if there is none.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;

    /// Writes a file in one atomic, durable step.
    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// The paths of all files under `tile/`, if the store can tell: [`super::verify`] then also checks
    /// that nothing else is there.
    fn list(&self) -> io::Result<Option<Vec<String>>> {
        Ok(None)
    }
}

/// A log in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    /// Content by path.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl TileStore for MemoryStore {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files.get(path).cloned())
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.files.insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn list(&self) -> io::Result<Option<Vec<String>>> {
        let tiles = self.files.keys().filter(|path| path.starts_with("tile/"));
        Ok(Some(tiles.cloned().collect()))
    }
}

/// Appends leaves to a log of `previous` leaves and writes every file that changes; gives the new size and
/// root. Sign and write the checkpoint only afterwards. A crash in between is harmless: publishing the same
/// leaves again writes the same files.
///
/// Errors: those of the store; `InvalidData` if a file of the present log is missing or damaged;
/// `InvalidInput` for a leaf over [`LEAF_MAX`] bytes or a log over 2^40 leaves.
pub fn publish(
    previous: u64,
    new_leaves: &[Vec<u8>],
    store: &mut dyn TileStore,
) -> io::Result<(u64, [u8; 32])> {
    let too_large = previous.saturating_add(new_leaves.len() as u64) > MAX_SIZE;
    if too_large || new_leaves.iter().any(|leaf| leaf.len() > LEAF_MAX) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut edge = Edge::load(previous, |place| load(store, place))?;
    for leaf in new_leaves {
        edge.push(leaf, |place, bytes| store.write(&place.path(), bytes))?;
    }
    edge.flush(
        |place, bytes| match place.width_at(previous) == place.width {
            // As it was: nothing to write.
            true => Ok(()),
            false => store.write(&place.path(), bytes),
        },
    )?;
    Ok((edge.size(), edge.root()))
}

fn load(store: &dyn TileStore, place: Place) -> io::Result<Vec<u8>> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a file of the log is damaged");
    let bytes = store.read(&place.path())?.ok_or_else(damaged)?;
    let whole = match place.level {
        None => leaves(&bytes, place.width).is_some(),
        Some(_) => bytes.len() as u64 == place.width * 32,
    };
    whole.then_some(bytes).ok_or_else(damaged)
}
