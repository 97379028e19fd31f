//! The right edge of the tree: all that is needed to append leaves and to compute the root.
//!
//! Bound: at most 255 hashes per level and one entry bundle, under 1.1 MiB however large the log is.

use tlog_tiles::{EMPTY_HASH, HASH_SIZE, Hash, Tile, node_hash, record_hash};

use super::place::{Place, WIDTH};

/// The incomplete tiles of a log of `size` leaves.
#[derive(Default)]
pub(super) struct Edge {
    size: u64,
    /// Per level, the bytes of its incomplete tile.
    levels: Vec<Vec<u8>>,
    /// The incomplete entry bundle.
    bundle: Vec<u8>,
}

impl Edge {
    /// Takes up a log whose incomplete files `read` gives.
    pub(super) fn load<E>(
        size: u64,
        mut read: impl FnMut(Place) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let mut edge = Edge {
            size,
            ..Edge::default()
        };
        for (level, place) in edge.incomplete() {
            let bytes = read(place)?;
            match level {
                None => edge.bundle = bytes,
                Some(level) => *edge.level(level) = bytes,
            }
        }
        Ok(edge)
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf; every file that this completes goes to `emit`.
    pub(super) fn push<E>(
        &mut self,
        leaf: &[u8],
        mut emit: impl FnMut(Place, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        // Leaves are at most LEAF_MAX bytes, so their length fits.
        self.bundle
            .extend_from_slice(&(leaf.len() as u16).to_be_bytes());
        self.bundle.extend_from_slice(leaf);
        self.size += 1;
        if self.size.is_multiple_of(WIDTH) {
            emit(self.full(None), &self.bundle)?;
            self.bundle.clear();
        }
        let mut hash = record_hash(leaf);
        for level in 0.. {
            let tile = self.level(level);
            tile.extend_from_slice(&hash.0);
            if tile.len() < WIDTH as usize * HASH_SIZE {
                break;
            }
            let full = std::mem::take(tile);
            emit(self.full(Some(level)), &full)?;
            hash = Tile::subtree_hash(&full);
        }
        Ok(())
    }

    /// Gives every incomplete file to `emit`.
    pub(super) fn flush<E>(
        &self,
        mut emit: impl FnMut(Place, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for (level, place) in self.incomplete() {
            match level {
                None => emit(place, &self.bundle)?,
                Some(level) => emit(place, &self.levels[usize::from(level)])?,
            }
        }
        Ok(())
    }

    /// The root: the complete subtrees from the smallest to the largest, folded from the right.
    pub(super) fn root(&self) -> [u8; 32] {
        let mut root: Option<Hash> = None;
        for tile in &self.levels {
            let mut end = tile.len();
            while end > 0 {
                // The largest power of two that divides the hashes left is the last complete subtree.
                let hashes = end / HASH_SIZE;
                let start = end - (1 << hashes.trailing_zeros()) * HASH_SIZE;
                let left = Tile::subtree_hash(&tile[start..end]);
                root = Some(match root {
                    Some(right) => node_hash(left, right),
                    None => left,
                });
                end = start;
            }
        }
        root.unwrap_or(EMPTY_HASH).0
    }

    fn level(&mut self, level: u8) -> &mut Vec<u8> {
        let at = usize::from(level);
        if self.levels.len() <= at {
            self.levels.resize_with(at + 1, Vec::new);
        }
        &mut self.levels[at]
    }

    /// The file of a level that the last leaf completed.
    fn full(&self, level: Option<u8>) -> Place {
        let shift = 8 * (u32::from(level.unwrap_or(0)) + 1);
        Place {
            level,
            number: (self.size >> shift) - 1,
            width: WIDTH,
        }
    }

    fn incomplete(&self) -> Vec<(Option<u8>, Place)> {
        let bundle = std::iter::once((None, self.size));
        let levels = (0..=5).map(|level| (Some(level), self.size >> (8 * u32::from(level))));
        bundle
            .chain(levels)
            .filter(|(_, nodes)| nodes % WIDTH != 0)
            .map(|(level, nodes)| {
                let place = Place {
                    level,
                    number: nodes / WIDTH,
                    width: nodes % WIDTH,
                };
                (level, place)
            })
            .collect()
    }
}

/// The bytes of a bundle of these leaves, of at most [`super::LEAF_MAX`] bytes each.
pub fn bundle(leaves: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for leaf in leaves {
        bytes.extend_from_slice(&(leaf.len() as u16).to_be_bytes());
        bytes.extend_from_slice(leaf);
    }
    bytes
}

/// The leaves of an entry bundle; `None` unless it is exactly `width` leaves and nothing else.
pub(super) fn leaves(bundle: &[u8], width: u64) -> Option<Vec<&[u8]>> {
    let (leaves, rest) = leading_leaves(bundle, width)?;
    rest.is_empty().then_some(leaves)
}

/// The first `width` leaves of an entry bundle, and the bytes behind them.
pub(super) fn leading_leaves(mut bundle: &[u8], width: u64) -> Option<(Vec<&[u8]>, &[u8])> {
    let mut leaves = Vec::new();
    for _ in 0..width {
        let (length, rest) = bundle.split_first_chunk::<2>()?;
        let (leaf, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        leaves.push(leaf);
        bundle = rest;
    }
    Some((leaves, bundle))
}
