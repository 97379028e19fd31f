//! Member files: the cookies of one audience at one destination, and what changed since the last.
//!
//! ```text
//! length u32 LE ‖ JSON ‖ entries, ascending by tag: tag 16 ‖ origin u16 LE ‖ length u8 ‖ cookie
//! JSON: collaboration, destination, and the origins, which entries name by their position
//! ```
//! A set's layers are of different uploads, and each upload sealed its cookies under a key of its own:
//! so an entry says of which it is. A member file is made from the partner's set alone: it holds cookies and the partner's pseudonyms
//! of them, and nothing that leads back to an advertiser's row. Because tags stay the same when a
//! partner seals its cookies anew, two files are compared in one sequential walk.

mod difference;
mod select;

use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tamis_keys::Secret;
use tamis_keys::purpose::Data;
use tamis_protocols::intersection::PersonSet;

use super::block::{BlockFile, BlockReader, BlockWriter, STREAM_BLOCK};
use super::cookies::MAX_COOKIE;
use super::directory::Staged;
use super::list::derived_nonce;
use super::sort::Sorter;
use super::{SealedSet, SetError};

pub use difference::changes;
use select::{Selected, serving};

/// Budget for sorting the cookies of one member file.
const MEMORY: usize = 64 << 20;
/// Longest JSON.
const MAX_JSON: usize = 32 << 20;
/// tag ‖ 2³²−1 − row u32 BE ‖ origin u16 LE ‖ length ‖ cookie, padded.
const RECORD: usize = 23 + MAX_COOKIE;

/// Where a cookie comes from: what its destination needs to open it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The collaboration.
    pub collaboration: String,
    /// The partner's upload.
    pub upload: String,
    /// The destination.
    pub destination: String,
    /// The HPKE encapsulated key of the upload's labels there; absent if cookies are in the open.
    pub enc: Option<[u8; 32]>,
}

/// A cookie on its way to its destination: a label if its origin has an `enc`, else the cookie itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Cookie {
    /// Where it comes from.
    pub origin: Arc<Origin>,
    /// 88 bytes of label, or 1 to 63 bytes in the open.
    pub bytes: Vec<u8>,
}

/// What a destination must be told.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// The cookie joins the audience.
    Add(Cookie),
    /// The cookie leaves the audience.
    Remove(Cookie),
}

/// A member file, opened. Memory: its origins until it is read.
pub struct MemberFile {
    file: Arc<BlockFile>,
    origins: Origins,
}

/// What an entry's origin is a position in.
type Origins = Arc<[Arc<Origin>]>;

/// What stands before the entries.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    collaboration: String,
    destination: String,
    origins: Vec<Source>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    upload: String,
    enc: Option<[u8; 32]>,
}

/// Writes to `out` the cookies at `destination` of those rows of `persons` whose consent is valid on
/// `as_of`, from all layers of the set. Of cookies with the same tag the one of the latest row is taken.
/// Memory: 64 MiB, and 1 bit per row of the set and per person that became one with another.
///
/// # Errors
/// The set has no such destination, or a file cannot be read or written; nothing is left behind.
pub fn write(
    partner: &SealedSet,
    persons: &PersonSet,
    destination: &str,
    as_of: Date,
    out: &Path,
    key: &Secret<Data>,
    ctx: &str,
) -> Result<MemberFile, SetError> {
    let selected = Selected::new(partner, persons, destination, as_of)?;
    let head = Head {
        collaboration: partner.collaboration().to_owned(),
        destination: destination.to_owned(),
        origins: selected.sources,
    };
    let json = serde_json::to_vec(&head).map_err(|_| SetError::format(out, "has no origin"))?;
    let rows = selected.rows;
    let context = context(ctx);
    // All that the content depends on: the set, the origins, and which rows.
    let mut selection = Vec::new();
    let _ = rows.serialize_into(&mut selection);
    let content = [partner.id().as_bytes(), b"\0", &json, &selection];
    let nonce = derived_nonce(key, &context, content.into_iter());

    let staged = Staged::file(out)?;
    let mut sorter = Sorter::new(out, key, &context, &nonce, RECORD, MEMORY);
    let mut starts = selected.starts.as_slice();
    let mut record = [0; RECORD];
    for (layer, position) in serving(partner, destination) {
        let mut cookies = layer.walk_cookies(position)?;
        while cookies.advance()? {
            let row = layer.first_row() + cookies.row;
            if !rows.contains(row) {
                continue;
            }
            while let [_, (next, _), ..] = starts
                && *next <= row
            {
                starts = &starts[1..];
            }
            let origin = starts.first().map_or(0, |(_, origin)| *origin);
            let cookie = cookies.cookie();
            record.fill(0);
            record[..16].copy_from_slice(&cookies.tag);
            record[16..20].copy_from_slice(&(u32::MAX - row).to_be_bytes());
            record[20..22].copy_from_slice(&origin.to_le_bytes());
            record[22] = cookie.len() as u8;
            record[23..23 + cookie.len()].copy_from_slice(cookie);
            sorter.push(&record)?;
        }
    }
    let mut file = BlockWriter::create(staged.path(), key, &context, &nonce, STREAM_BLOCK)?;
    file.write(&(json.len() as u32).to_le_bytes())?;
    file.write(&json)?;
    let (mut sorted, mut previous) = (sorter.finish(), None);
    while let Some(record) = sorted.next()? {
        let tag: Option<[u8; 16]> = record[..16].try_into().ok();
        if tag != previous {
            file.write(&record[..16])?;
            let length = usize::from(record[22]);
            file.write(&record[20..23 + length])?;
        }
        previous = tag;
    }
    file.finish()?;
    staged.publish()?;
    MemberFile::open(out, key, ctx)
}

impl MemberFile {
    /// Opens a member file with the key and context it was written with.
    ///
    /// # Errors
    /// The file is missing, damaged, or another one.
    pub fn open(path: &Path, key: &Secret<Data>, ctx: &str) -> Result<Self, SetError> {
        let file = Arc::new(BlockFile::open(path, key, &context(ctx))?);
        let origins = Entries::new(file.clone())?.origins;
        Ok(MemberFile { file, origins })
    }

    /// Where its cookies come from.
    pub fn origins(&self) -> &[Arc<Origin>] {
        &self.origins
    }
}

/// A tag, where its cookie comes from, and the cookie.
type Entry = ([u8; 16], Arc<Origin>, Vec<u8>);

/// The entries of a member file in order.
struct Entries {
    file: Arc<BlockFile>,
    reader: BlockReader,
    origins: Origins,
}

impl Entries {
    fn new(file: Arc<BlockFile>) -> Result<Self, SetError> {
        let foreign = || SetError::format(file.path(), "is not a member file");
        let mut reader = BlockReader::new(file.clone());
        let mut length = [0; 4];
        reader.read_all(&mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_JSON {
            return Err(foreign());
        }
        let mut json = vec![0; length];
        reader.read_all(&mut json)?;
        let head: Head = serde_json::from_slice(&json).map_err(|_| foreign())?;
        let origins = head.origins.into_iter().map(|source| Origin {
            collaboration: head.collaboration.clone(),
            upload: source.upload,
            destination: head.destination.clone(),
            enc: source.enc,
        });
        Ok(Entries {
            origins: origins.map(Arc::new).collect(),
            reader,
            file,
        })
    }

    fn next(&mut self) -> Result<Option<Entry>, SetError> {
        let mut head = [0; 19];
        if !self.reader.read(&mut head)? {
            return Ok(None);
        }
        let mut tag = [0; 16];
        tag.copy_from_slice(&head[..16]);
        let origin = usize::from(u16::from_le_bytes([head[16], head[17]]));
        let origin = self.origins.get(origin).cloned();
        let foreign = || SetError::format(self.file.path(), "names an unknown upload");
        let origin = origin.ok_or_else(foreign)?;
        let mut cookie = vec![0; usize::from(head[18])];
        self.reader.read_all(&mut cookie)?;
        Ok(Some((tag, origin, cookie)))
    }
}

fn context(ctx: &str) -> String {
    format!("tamis/v1/members/{ctx}")
}
