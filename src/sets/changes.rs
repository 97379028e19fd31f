//! What a delta layer changes in the layers below it.
//!
//! ```text
//! gone:     roaring bitmap of owners (rows of an advertiser, persons of a partner) that leave
//! aliases:  n × ( from u32 LE ‖ to u32 LE )    persons that became one, because a row has tokens of both
//! ```
//! Owners are numbered through all layers and never used again, so what is gone stays gone. An alias
//! leads to a smaller number, never to a person that is gone or that is itself an alias of the same or an
//! earlier layer.

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::block::{BlockFile, BlockReader};
use super::{SealedSet, SetError};

pub(super) const GONE: &str = "gone";
pub(super) const ALIASES: &str = "aliases";

/// The content of the file of owners that are gone.
pub(super) fn encode_gone(gone: &RoaringBitmap) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(gone.serialized_size());
    // Writing to memory does not fail.
    let _ = gone.serialize_into(&mut bytes);
    bytes
}

/// Reads the owners that are gone.
pub(super) fn read_gone(file: Arc<BlockFile>) -> Result<RoaringBitmap, SetError> {
    let reader = BlockReader::new(file.clone());
    let problem = |_| SetError::format(file.path(), "does not hold a bitmap");
    RoaringBitmap::deserialize_from(reader)
        .map_err(|error| error.downcast::<SetError>().unwrap_or_else(problem))
}

/// The content of the file of aliases.
pub(super) fn encode_aliases(aliases: &[(u32, u32)]) -> Vec<u8> {
    let pairs = aliases.iter();
    pairs
        .flat_map(|(from, to)| [from.to_le_bytes(), to.to_le_bytes()])
        .flatten()
        .collect()
}

/// Reads the aliases.
pub(super) fn read_aliases(file: Arc<BlockFile>) -> Result<Vec<(u32, u32)>, SetError> {
    let mut reader = BlockReader::new(file.clone());
    let (mut aliases, mut pair) = (Vec::new(), [0; 8]);
    while reader.read(&mut pair)? {
        let [a, b, c, d, e, f, g, h] = pair;
        let from = u32::from_le_bytes([a, b, c, d]);
        let to = u32::from_le_bytes([e, f, g, h]);
        if to >= from {
            return Err(SetError::format(file.path(), "contradicts itself"));
        }
        aliases.push((from, to));
    }
    Ok(aliases)
}

/// What became of the owners of a set. Memory: 8 bytes per person that became one with another.
pub(super) struct Fate<'a> {
    gone: &'a RoaringBitmap,
    /// From, to; ascending, and `to` is where the way ends.
    aliases: Vec<(u32, u32)>,
}

impl<'a> Fate<'a> {
    pub(super) fn of(set: &'a SealedSet) -> Self {
        let mut aliases = set.aliases().to_vec();
        // The newest first, so that where an alias leads to is known when it is looked at.
        aliases.reverse();
        let mut ends = HashMap::with_capacity(aliases.len());
        for (from, to) in &mut aliases {
            *to = ends.get(to).copied().unwrap_or(*to);
            ends.insert(*from, *to);
        }
        aliases.sort_unstable();
        Fate {
            gone: set.gone(),
            aliases,
        }
    }

    /// Who `owner` is now; `None` if it is gone.
    pub(super) fn now(&self, owner: u32) -> Option<u32> {
        let now = self.end(owner);
        (!self.gone.contains(now)).then_some(now)
    }

    /// Whom `owner` became, gone or not.
    pub(super) fn end(&self, owner: u32) -> u32 {
        let found = self.aliases.binary_search_by_key(&owner, |(from, _)| *from);
        found.map_or(owner, |at| self.aliases[at].1)
    }

    /// Where aliases lead to: from, to, ascending.
    pub(super) fn aliases(&self) -> &[(u32, u32)] {
        &self.aliases
    }

    /// All numbers whose owner is gone.
    pub(super) fn dead(&self) -> RoaringBitmap {
        let aliases = self.aliases.iter();
        let led = aliases.filter(|(_, to)| self.gone.contains(*to));
        let mut dead = self.gone.clone();
        dead.extend(led.map(|(from, _)| *from));
        dead
    }
}
