//! The hashes of a batch's tree on the disk, so that a path is read in a few blocks whatever its size.
//!
//! ```text
//! level 0: a leaf hash per row; level n: the root of every complete subtree of 256ⁿ leaves
//! tiles of 256 hashes, one a block, each written when it is full; then the partial ones, lowest level first
//! ```
//! Memory while writing: a tile for each level. A tile that 256 others completed lies right behind them, so
//! where a tile is follows from its number.

use std::collections::BTreeMap;
use std::sync::Arc;

use tamis_protocols::consent::{PATH_MAX, node_hash};

use super::super::SetError;
use super::super::block::{BlockFile, BlockWriter};

/// Hashes of a tile.
const WIDTH: u64 = 256;
const HASH: usize = 32;
/// Bytes of a tile, and of a block.
pub(super) const TILE: usize = WIDTH as usize * HASH;

/// Writes the tree, leaf by leaf.
pub(super) struct TreeWriter {
    file: BlockWriter,
    levels: Vec<Vec<[u8; HASH]>>,
    rows: u64,
}

impl TreeWriter {
    pub(super) fn new(file: BlockWriter) -> Self {
        TreeWriter {
            file,
            levels: Vec::new(),
            rows: 0,
        }
    }

    /// Appends the leaf hash of the next row.
    pub(super) fn push(&mut self, leaf: [u8; HASH]) -> Result<(), SetError> {
        self.rows += 1;
        let mut hash = leaf;
        for level in 0.. {
            if self.levels.len() == level {
                self.levels.push(Vec::with_capacity(WIDTH as usize));
            }
            let tile = &mut self.levels[level];
            tile.push(hash);
            if (tile.len() as u64) < WIDTH {
                break;
            }
            self.file.write(tile.as_flattened())?;
            hash = fold(tile);
            tile.clear();
        }
        Ok(())
    }

    /// Writes what is left and makes the file durable. The number of leaves, the root, and the plaintext's
    /// length.
    pub(super) fn finish(mut self) -> Result<(u64, [u8; HASH], u64), SetError> {
        let root = self.root();
        for tile in self.levels.iter().filter(|tile| !tile.is_empty()) {
            self.file.write(tile.as_flattened())?;
            self.file.write(&vec![0; TILE - HASH * tile.len()])?;
        }
        let bytes = self.file.finish()?;
        Ok((self.rows, root, bytes))
    }

    /// The complete subtrees from the smallest to the largest, folded from the right.
    fn root(&self) -> [u8; HASH] {
        let mut root: Option<[u8; HASH]> = None;
        for tile in &self.levels {
            let mut end = tile.len();
            while end > 0 {
                let start = end - (1 << end.trailing_zeros());
                let left = fold(&tile[start..end]);
                root = Some(root.map_or(left, |right| node_hash(&left, &right)));
                end = start;
            }
        }
        root.unwrap_or_else(|| tamis_protocols::consent::RootBuilder::new().finish())
    }
}

/// The root over a power of two of hashes.
fn fold(hashes: &[[u8; HASH]]) -> [u8; HASH] {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        for at in 0..level.len() / 2 {
            level[at] = node_hash(&level[2 * at], &level[2 * at + 1]);
        }
        level.truncate(level.len() / 2);
    }
    level.first().copied().unwrap_or_default()
}

/// Bytes of the tree of `rows` leaves.
pub(super) fn length(rows: u64) -> u64 {
    let partial = levels().filter(|level| partial(rows, *level) > 0).count() as u64;
    (complete(rows) + partial) * TILE as u64
}

fn levels() -> impl DoubleEndedIterator<Item = u32> {
    0..PATH_MAX as u32 / 8
}

/// Complete tiles of all levels.
fn complete(rows: u64) -> u64 {
    levels().map(|level| rows >> (8 * (level + 1))).sum()
}

/// Hashes in the partial tile of a level.
fn partial(rows: u64, level: u32) -> u64 {
    (rows >> (8 * level)) % WIDTH
}

/// The block of tile `tile` of `level`.
fn place(rows: u64, level: u32, tile: u64) -> u64 {
    let full = rows >> (8 * (level + 1));
    if tile < full {
        // Complete tiles written before the leaves that complete this one, and those that they complete
        // below it.
        let leaves = (tile + 1) << (8 * (level + 1));
        let before: u64 = levels().map(|one| (leaves - 1) >> (8 * (one + 1))).sum();
        before + u64::from(level)
    } else {
        let lower = levels().filter(|one| *one < level && partial(rows, *one) > 0);
        complete(rows) + lower.count() as u64
    }
}

/// Reads paths. Memory: the tiles read so far, which is a handful for each path.
pub(super) struct TreeReader {
    file: Arc<BlockFile>,
    rows: u64,
    tiles: BTreeMap<u64, Vec<u8>>,
}

/// Tiles that a reader remembers.
const REMEMBERED: usize = 64;

impl TreeReader {
    /// The tree of `rows` leaves in `file`.
    pub(super) fn new(file: Arc<BlockFile>, rows: u64) -> Result<Self, SetError> {
        if file.block_length() != TILE || file.bytes() != length(rows) {
            return Err(SetError::format(file.path(), "is not the tree of its rows"));
        }
        let tiles = BTreeMap::new();
        Ok(TreeReader { file, rows, tiles })
    }

    /// The leaf hash of `row`, which must be one.
    pub(super) fn leaf(&mut self, row: u64) -> Result<[u8; HASH], SetError> {
        self.perfect(row, 0)
    }

    /// RFC 6962 §2.1.1: the inclusion path of `row`, which must be one.
    pub(super) fn path(&mut self, row: u64) -> Result<Vec<[u8; HASH]>, SetError> {
        let (mut start, mut end) = (0, self.rows);
        let mut path = Vec::new();
        while end - start > 1 {
            let middle = start + split(end - start);
            if row < middle {
                path.push(self.root(middle, end)?);
                end = middle;
            } else {
                path.push(self.root(start, middle)?);
                start = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// The root over the rows from `start` to `end`, where a subtree of the tree ends.
    pub(super) fn root(&mut self, start: u64, end: u64) -> Result<[u8; HASH], SetError> {
        let size = end - start;
        if size.is_power_of_two() {
            return self.perfect(start, size.trailing_zeros());
        }
        let middle = start + split(size);
        let right = self.root(middle, end)?;
        let left = self.root(start, middle)?;
        Ok(node_hash(&left, &right))
    }

    /// Opens every block.
    pub(super) fn verify(&mut self) -> Result<(), SetError> {
        let mut buffer = Vec::new();
        for block in 0..(length(self.rows) / TILE as u64).max(1) {
            self.file.block(block, &mut buffer)?;
        }
        Ok(())
    }

    /// The root over 2^`height` rows from `start`.
    fn perfect(&mut self, start: u64, height: u32) -> Result<[u8; HASH], SetError> {
        let (level, hashes) = (height / 8, 1_usize << (height % 8));
        let first = start >> (8 * level);
        let block = place(self.rows, level, first / WIDTH);
        if !self.tiles.contains_key(&block) {
            if self.tiles.len() >= REMEMBERED {
                self.tiles.clear();
            }
            let mut buffer = Vec::new();
            let length = self.file.block(block, &mut buffer)?.len();
            buffer.truncate(length);
            self.tiles.insert(block, buffer);
        }
        let tile = self.tiles.get(&block).map_or(&[][..], Vec::as_slice);
        let at = (first % WIDTH) as usize;
        let found = tile.as_chunks::<HASH>().0.get(at..at + hashes);
        let found = found.ok_or_else(|| SetError::format(self.file.path(), "has no such hash"))?;
        Ok(fold(found))
    }
}

/// The largest power of two smaller than `size`, which is more than one.
fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use tamis_keys::Secret;
    use tamis_keys::purpose::Data;
    use tamis_protocols::consent::{RootBuilder, leaf_hash, path_root};

    use super::*;

    fn leaf(row: u64) -> [u8; 32] {
        let mut commitment = [7; 32];
        commitment[..8].copy_from_slice(&row.to_be_bytes());
        commitment
    }

    #[test]
    fn every_path_of_every_size_leads_to_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let key: Secret<Data> = Secret::from_slice(&[3; 32]).unwrap();
        for rows in [
            0, 1, 2, 3, 255, 256, 257, 511, 512, 700, 65_535, 65_536, 65_537, 131_700,
        ] {
            let path = dir.path().join(rows.to_string());
            let file = BlockWriter::create(&path, &key, "tree", &[1; 16], TILE).unwrap();
            let (mut tree, mut builder) = (TreeWriter::new(file), RootBuilder::new());
            for row in 0..rows {
                tree.push(leaf_hash(&leaf(row))).unwrap();
                builder.push(leaf(row));
            }
            let (written, root, bytes) = tree.finish().unwrap();
            assert_eq!(
                (written, root, bytes),
                (rows, builder.finish(), length(rows))
            );
            let file = BlockFile::open(&path, &key, "tree").unwrap();
            let mut reader = TreeReader::new(Arc::new(file), rows).unwrap();
            let near = (0..rows).filter(|row| row % 251 == 0 || rows - row < 3 || rows < 600);
            for row in near {
                let path = reader.path(row).unwrap();
                assert!(path.len() <= PATH_MAX);
                assert_eq!(reader.leaf(row).unwrap(), leaf_hash(&leaf(row)));
                let led = path_root(row, rows, leaf_hash(&leaf(row)), &path);
                assert_eq!(led, Some(root), "{row} of {rows}");
            }
        }
    }
}
