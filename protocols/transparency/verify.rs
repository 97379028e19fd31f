//! The offline verifier: all of the log from its files and one public key.
//!
//! Bound: one entry bundle (at most 1 MiB), the right edge of the tree, and what [`super::rules`] keeps.

use std::io;

use serde::Serialize;

use super::checkpoint::{CHECKPOINT, open_checkpoint};
use super::leaf::{Leaf, LeafError};
use super::place::{Place, WIDTH};
use super::rules::{History, Rule};
use super::store::TileStore;
use super::tree::{Edge, leading_leaves, leaves};

/// What a verified log holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The log's name.
    pub origin: String,
    /// Leaves in it.
    pub leaves: u64,
    /// The root, in hexadecimal.
    pub root: String,
    /// Time of the first leaf, if any.
    pub first: Option<String>,
    /// Time of the last leaf, if any.
    pub last: Option<String>,
}

/// The first thing that is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum Violation {
    /// The checkpoint is missing, malformed, of another log, or its signature does not hold.
    #[error("the checkpoint is not a signed checkpoint of this key")]
    Checkpoint,
    /// A file that the checkpoint promises is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// A tile is not what the leaves make it.
    #[error("{0} does not fit the leaves")]
    Tile(String),
    /// An entry bundle is not the leaves it should hold.
    #[error("{0} is not a bundle of its leaves")]
    Bundle(String),
    /// A leaf is malformed.
    #[error("leaf {index} is {error}")]
    Leaf {
        /// Its number.
        index: u64,
        /// How.
        error: LeafError,
    },
    /// A leaf breaks the order of events.
    #[error("leaf {index} breaks a rule: {rule}")]
    Order {
        /// Its number.
        index: u64,
        /// The rule.
        rule: Rule,
    },
    /// The leaves do not make the root that was signed.
    #[error("the leaves do not make the root that was signed")]
    Root,
    /// A file that is no part of the log.
    #[error("{0} is no part of the log")]
    Unexpected(String),
    /// A file cannot be read.
    #[error("{path} cannot be read: {kind}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        kind: io::ErrorKind,
    },
}

/// A leaf that fits everything before it, as [`walk`] shows it.
pub struct Entry<'a> {
    /// Its number.
    pub index: u64,
    /// What it says.
    pub leaf: &'a Leaf,
    edge: &'a Edge,
}

impl Entry<'_> {
    /// The root of the log that ends with this leaf.
    pub fn root(&self) -> [u8; 32] {
        self.edge.root()
    }
}

/// Proves the whole log, or gives the first [`Violation`]. `vkey` is the log's verifier key line.
pub fn verify(store: &dyn TileStore, vkey: &str) -> Result<Summary, Violation> {
    walk(store, vkey, |_| Ok(()))
}

/// As [`verify`]; every leaf in its order goes to `each`, which may refuse it. What `each` was shown is proven
/// only once this has returned: a wrong root is found at the end.
pub fn walk<E: From<Violation>>(
    store: &dyn TileStore,
    vkey: &str,
    mut each: impl FnMut(Entry<'_>) -> Result<(), E>,
) -> Result<Summary, E> {
    let checkpoint = read(store, CHECKPOINT)?;
    let head = open_checkpoint(&checkpoint, vkey).ok_or(Violation::Checkpoint)?;
    let mut edge = Edge::default();
    let mut history = History::default();
    let (mut first, mut last) = (None, None);
    for place in bundles(head.size) {
        let bundle = read(store, &place.path())?;
        let entries =
            leaves(&bundle, place.width).ok_or_else(|| Violation::Bundle(place.path()))?;
        for bytes in entries {
            let index = edge.size();
            let leaf = Leaf::parse(bytes).map_err(|error| Violation::Leaf { index, error })?;
            history
                .take(&leaf)
                .map_err(|rule| Violation::Order { index, rule })?;
            edge.push(bytes, |place, made| same(store, place, made))?;
            each(Entry {
                index,
                leaf: &leaf,
                edge: &edge,
            })?;
            first.get_or_insert_with(|| leaf.time.clone());
            last = Some(leaf.time);
        }
    }
    edge.flush(|place, made| same(store, place, made))?;
    if edge.root() != head.root {
        return Err(Violation::Root.into());
    }
    nothing_else(store, head.size)?;
    Ok(Summary {
        origin: head.origin,
        leaves: head.size,
        root: hex::encode(head.root),
        first,
        last,
    })
}

/// The files of a log of `size` leaves, without the checkpoint: bundles, then tiles level by level.
pub fn paths(size: u64) -> impl Iterator<Item = String> {
    let levels = (0u8..=5).take_while(move |level| size >> (8 * u32::from(*level)) > 0);
    let tiles = levels.flat_map(move |level| row(Some(level), size >> (8 * u32::from(level))));
    bundles(size).chain(tiles).map(|place| place.path())
}

/// The newest entry bundle of a log of `size` leaves: its first leaf, and its path. `None` of an empty log.
pub fn newest_bundle(size: u64) -> Option<(u64, String)> {
    let number = size.checked_sub(1)? / WIDTH;
    let place = Place {
        level: None,
        number,
        width: size - number * WIDTH,
    };
    Some((number * WIDTH, place.path()))
}

fn bundles(size: u64) -> impl Iterator<Item = Place> {
    row(None, size)
}

/// The tiles over `nodes` hashes of one level, the last one perhaps partial.
fn row(level: Option<u8>, nodes: u64) -> impl Iterator<Item = Place> {
    (0..nodes.div_ceil(WIDTH)).map(move |number| Place {
        level,
        number,
        width: (nodes - number * WIDTH).min(WIDTH),
    })
}

fn read(store: &dyn TileStore, path: &str) -> Result<Vec<u8>, Violation> {
    store
        .read(path)
        .map_err(|error| Violation::Unreadable {
            path: path.to_owned(),
            kind: error.kind(),
        })?
        .ok_or_else(|| Violation::Missing(path.to_owned()))
}

fn same(store: &dyn TileStore, place: Place, made: &[u8]) -> Result<(), Violation> {
    let path = place.path();
    match read(store, &path)? == made {
        true => Ok(()),
        false => Err(Violation::Tile(path)),
    }
}

/// Every file is one of the log, or an older partial one that is a prefix of its successor.
fn nothing_else(store: &dyn TileStore, size: u64) -> Result<(), Violation> {
    let listed = store.list().map_err(|error| Violation::Unreadable {
        path: "tile".to_owned(),
        kind: error.kind(),
    })?;
    for path in listed.unwrap_or_default() {
        let place = Place::parse(&path).ok_or_else(|| Violation::Unexpected(path.clone()))?;
        let width = place.width_at(size);
        if width < place.width {
            return Err(Violation::Unexpected(path));
        }
        let newer = read(store, &Place { width, ..place }.path())?;
        if !is_prefix(place, &read(store, &path)?, &newer) {
            return Err(Violation::Tile(path));
        }
    }
    Ok(())
}

fn is_prefix(place: Place, older: &[u8], newer: &[u8]) -> bool {
    let length = match place.level {
        Some(_) => Some(place.width as usize * 32),
        None => leading_leaves(newer, place.width).map(|(_, rest)| newer.len() - rest.len()),
    };
    length == Some(older.len()) && newer.starts_with(older)
}
