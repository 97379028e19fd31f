//! Proofs (RFC 6962 §2.1.1 and §2.1.2): that a leaf is in the log, and that an older log is a prefix of it.

use tlog_tiles::{
    Error, Hash, Tile, TileHashReader, TileReader, check_record, check_tree, prove_record,
    prove_tree, record_hash,
};

use super::place::{HEIGHT, Place, WIDTH};
use super::store::TileStore;
use super::tree::leaves;

/// Why there is no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The log has no such leaf or no such size.
    #[error("the log is not that large")]
    OutOfRange,
    /// A tile is missing or does not belong to the root.
    #[error("a tile of the log is missing or does not fit its root")]
    Tiles,
}

/// The proof that leaf `index` is in the log of `size` and `root`. Reads log(size) tiles and checks them.
pub fn inclusion_proof(
    store: &dyn TileStore,
    size: u64,
    root: &[u8; 32],
    index: u64,
) -> Result<Vec<[u8; 32]>, ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange);
    }
    prove(store, size, root, |tiles| prove_record(size, index, tiles))
}

/// The proof that the log of `size` and `root` begins with its first `old_size` leaves, 1 to `size`.
pub fn consistency_proof(
    store: &dyn TileStore,
    size: u64,
    root: &[u8; 32],
    old_size: u64,
) -> Result<Vec<[u8; 32]>, ProofError> {
    if !(1..=size).contains(&old_size) {
        return Err(ProofError::OutOfRange);
    }
    prove(store, size, root, |tiles| prove_tree(size, old_size, tiles))
}

/// The bytes of leaf `index` of a log of `size`, as its files have them: nothing vouches for them but
/// [`check_inclusion`]. Memory: one bundle.
pub fn leaf_bytes(store: &dyn TileStore, size: u64, index: u64) -> Result<Vec<u8>, ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange);
    }
    let number = index / WIDTH;
    let width = (size - number * WIDTH).min(WIDTH);
    let place = Place {
        level: None,
        number,
        width,
    };
    let bundle = store.read(&place.path()).ok().flatten();
    let bundle = bundle.ok_or(ProofError::Tiles)?;
    let leaves = leaves(&bundle, width).ok_or(ProofError::Tiles)?;
    let leaf = leaves.get((index % WIDTH) as usize);
    leaf.map(|leaf| leaf.to_vec()).ok_or(ProofError::Tiles)
}

/// Whether `proof` shows that `leaf` is leaf `index` of the log.
pub fn check_inclusion(
    proof: &[[u8; 32]],
    size: u64,
    root: &[u8; 32],
    index: u64,
    leaf: &[u8],
) -> bool {
    let proof = proof.iter().copied().map(Hash).collect();
    check_record(&proof, size, Hash(*root), index, record_hash(leaf)).is_ok()
}

/// Whether `proof` shows that the log of `old_size` and `old_root` is a prefix of the one of `size` and `root`.
pub fn check_consistency(
    proof: &[[u8; 32]],
    size: u64,
    root: &[u8; 32],
    old_size: u64,
    old_root: &[u8; 32],
) -> bool {
    let proof = proof.iter().copied().map(Hash).collect();
    check_tree(&proof, size, Hash(*root), old_size, Hash(*old_root)).is_ok()
}

fn prove(
    store: &dyn TileStore,
    size: u64,
    root: &[u8; 32],
    proof: impl FnOnce(&TileHashReader<'_>) -> Result<Vec<Hash>, Error>,
) -> Result<Vec<[u8; 32]>, ProofError> {
    let tiles = Tiles(store);
    let reader = TileHashReader::new(size, Hash(*root), &tiles);
    let hashes = proof(&reader).map_err(|_| ProofError::Tiles)?;
    Ok(hashes.into_iter().map(|hash| hash.0).collect())
}

/// Our files under the crate's names.
struct Tiles<'a>(&'a dyn TileStore);

impl TileReader for Tiles<'_> {
    fn height(&self) -> u8 {
        HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        tiles
            .iter()
            .map(|tile| {
                let place = Place {
                    level: Some(tile.level()),
                    number: tile.level_index(),
                    width: u64::from(tile.width()),
                };
                let bytes = self.0.read(&place.path());
                bytes.ok().flatten().ok_or(Error::InvalidTile)
            })
            .collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}
