//! What a delta layer changes in the layers below it.
//!
//! ```text
//! gone:     roaring bitmap of owners (rows of an advertiser, persons of a partner) that leave
//! aliases:  n × ( from u32 LE ‖ to u32 LE )    persons that became one, because a row has tokens of both
//! ```
//! Owners are numbered through all layers and never used again, so what is gone stays gone. An alias
//! never leads to a person that is gone or that is itself an alias of the same or an earlier layer.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::SetError;
use super::block::{BlockFile, BlockReader};

pub(super) const GONE: &str = "gone";
pub(super) const ALIASES: &str = "aliases";

/// Reads the owners that are gone.
pub(super) fn read_gone(file: Arc<BlockFile>) -> Result<RoaringBitmap, SetError> {
    let reader = BlockReader::new(file.clone());
    RoaringBitmap::deserialize_from(reader)
        .map_err(|_| SetError::format(file.path(), "does not hold a bitmap"))
}

/// Reads the aliases.
pub(super) fn read_aliases(file: Arc<BlockFile>) -> Result<Vec<(u32, u32)>, SetError> {
    let mut reader = BlockReader::new(file);
    let (mut aliases, mut pair) = (Vec::new(), [0; 8]);
    while reader.read(&mut pair)? {
        let [a, b, c, d, e, f, g, h] = pair;
        aliases.push((
            u32::from_le_bytes([a, b, c, d]),
            u32::from_le_bytes([e, f, g, h]),
        ));
    }
    Ok(aliases)
}
