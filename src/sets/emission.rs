//! Emission files: the persons that the release gate let out, and those it keeps for control, by their
//! numbers in one partner's set. They hold nothing that leads to an advertiser's row, nor a cookie.
//!
//! ```text
//! length u64 LE ‖ emitted ‖ chosen        roaring bitmaps in their portable format
//! ```

use std::path::Path;
use std::sync::Arc;

use tamis_keys::Secret;
use tamis_keys::purpose::Data;
use tamis_protocols::release::Emitted;

use super::SetError;
use super::block::{BlockFile, BlockReader, BlockWriter, STREAM_BLOCK};
use super::directory::Staged;
use super::list::derived_nonce;

/// Who was let out, and who was chosen for control.
#[derive(Clone)]
pub struct Emission {
    /// Delivered.
    pub emitted: Emitted,
    /// Never delivered.
    pub chosen: Emitted,
}

/// Writes an emission, durably and under its final name only when complete.
///
/// # Errors
/// The file cannot be written; nothing is left behind.
pub fn write_emission(
    path: &Path,
    key: &Secret<Data>,
    ctx: &str,
    emission: &Emission,
) -> Result<(), SetError> {
    let (emitted, chosen) = (emission.emitted.to_stored(), emission.chosen.to_stored());
    let length = (emitted.len() as u64).to_le_bytes();
    let context = context(ctx);
    let content = [length.as_slice(), &emitted, &chosen];
    let nonce = derived_nonce(key, &context, content.into_iter());
    let staged = Staged::file(path)?;
    let mut file = BlockWriter::create(staged.path(), key, &context, &nonce, STREAM_BLOCK)?;
    for part in content {
        file.write(part)?;
    }
    file.finish()?;
    staged.publish()
}

/// Reads an emission back. Memory: twice its bytes.
///
/// # Errors
/// The file is missing, damaged, or another one.
pub fn read_emission(path: &Path, key: &Secret<Data>, ctx: &str) -> Result<Emission, SetError> {
    let file = Arc::new(BlockFile::open(path, key, &context(ctx))?);
    let foreign = || SetError::format(file.path(), "is not an emission");
    let mut reader = BlockReader::new(file.clone());
    let mut length = [0; 8];
    reader.read_all(&mut length)?;
    let rest = file.bytes().checked_sub(8).ok_or_else(foreign)?;
    let length = Some(u64::from_le_bytes(length)).filter(|length| *length <= rest);
    let length = length.ok_or_else(foreign)?;
    let mut persons = |length: u64| {
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| foreign())?];
        reader.read_all(&mut bytes)?;
        Emitted::from_stored(&bytes).map_err(|_| foreign())
    };
    Ok(Emission {
        emitted: persons(length)?,
        chosen: persons(rest - length)?,
    })
}

fn context(ctx: &str) -> String {
    format!("tamis/v1/emission/{ctx}")
}
