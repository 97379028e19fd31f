//! Member files: the cookies of one audience at one destination, and what changed since the last.
//!
//! ```text
//! length u32 LE ‖ JSON of the origin ‖ entries: tag 16 ‖ length u8 ‖ cookie, ascending by tag
//! ```
//! A member file is made from the partner's set alone: it holds cookies and the partner's pseudonyms
//! of them, and nothing that leads back to an advertiser's row. Because tags stay the same when a
//! partner seals its cookies anew, two files are compared in one sequential walk.

use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use tamis_keys::Secret;
use tamis_keys::purpose::Data;
use tamis_protocols::intersection::PersonSet;

use super::block::{BlockFile, BlockReader, BlockWriter, STREAM_BLOCK};
use super::cookies::MAX_COOKIE;
use super::directory::Staged;
use super::list::derived_nonce;
use super::rows::day_number;
use super::sort::Sorter;
use super::{SealedSet, SetError};

/// Budget for sorting the cookies of one member file.
const MEMORY: usize = 64 << 20;
/// Longest JSON of an origin.
const MAX_ORIGIN: usize = 4096;
/// tag ‖ row u32 BE ‖ length ‖ cookie, padded.
const RECORD: usize = 21 + MAX_COOKIE;

/// Where a cookie comes from: what its destination needs to open it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// A member file, opened. Memory: nothing until it is read.
pub struct MemberFile {
    file: Arc<BlockFile>,
    origin: Arc<Origin>,
}

/// Writes to `out` the cookies at `destination` of those rows of `persons` whose consent is valid on
/// `as_of`. Cookies with the same tag count once. Memory: 64 MiB, and 1 bit per row of the set.
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
    let missing = || {
        SetError::format(
            partner.top().directory(),
            "has no cookies at this destination",
        )
    };
    let position = partner.top().destination(destination).ok_or_else(missing)?;
    let origin = Origin {
        collaboration: partner.collaboration().to_owned(),
        upload: partner.id().to_owned(),
        destination: destination.to_owned(),
        enc: partner.destinations()[position].enc,
    };
    let json = serde_json::to_vec(&origin).map_err(|_| SetError::format(out, "has no origin"))?;
    let rows = select(partner, persons, position, as_of)?;
    let context = context(ctx);
    // All that the content depends on: the origin, and which of its rows.
    let mut selection = Vec::new();
    let _ = rows.serialize_into(&mut selection);
    let nonce = derived_nonce(key, &context, [&json[..], &selection].into_iter());

    let staged = Staged::file(out)?;
    let mut sorter = Sorter::new(out, key, &context, &nonce, RECORD, MEMORY);
    let mut cookies = partner.top().walk_cookies(position)?;
    let mut record = [0; RECORD];
    while cookies.advance()? {
        if rows.contains(cookies.row) {
            let cookie = cookies.cookie();
            record.fill(0);
            record[..16].copy_from_slice(&cookies.tag);
            record[16..20].copy_from_slice(&cookies.row.to_be_bytes());
            record[20] = cookie.len() as u8;
            record[21..21 + cookie.len()].copy_from_slice(cookie);
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
            let length = usize::from(record[20]);
            file.write(&record[20..21 + length])?;
        }
        previous = tag;
    }
    file.finish()?;
    staged.publish()?;
    MemberFile::open(out, key, ctx)
}

/// The rows whose cookies are delivered.
fn select(
    partner: &SealedSet,
    persons: &PersonSet,
    destination: usize,
    as_of: Date,
) -> Result<RoaringBitmap, SetError> {
    let (mut rows, today) = (RoaringBitmap::new(), day_number(as_of));
    let mut walk = partner.top().walk_rows()?;
    while let Some(block) = walk.next()? {
        for i in 0..block.len() {
            if block.day(i) >= today
                && block.has_cookie(i, destination)
                && persons.contains(block.person(i))
            {
                rows.insert(block.first + i as u32);
            }
        }
    }
    Ok(rows)
}

impl MemberFile {
    /// Opens a member file with the key and context it was written with.
    ///
    /// # Errors
    /// The file is missing, damaged, or another one.
    pub fn open(path: &Path, key: &Secret<Data>, ctx: &str) -> Result<Self, SetError> {
        let file = Arc::new(BlockFile::open(path, key, &context(ctx))?);
        let origin = Entries::new(file.clone())?.origin;
        Ok(MemberFile { file, origin })
    }

    /// Where its cookies come from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// What a destination that was told `before` must be told to be at `after`, ascending by tag. A cookie
/// that is in both, if sealed anew, is no change. Memory: one block of each file. After an error there
/// are no further items.
///
/// # Errors
/// As items: a file is damaged or cannot be read.
pub fn changes(
    before: Option<&MemberFile>,
    after: &MemberFile,
) -> impl Iterator<Item = Result<Change, SetError>> + use<> {
    let mut old = before.map(|before| Side::new(before.file.clone()));
    let mut new = Some(Side::new(after.file.clone()));
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed {
            return None;
        }
        let next = next_change(&mut old, &mut new).transpose();
        failed = matches!(next, Some(Err(_)));
        next
    })
}

fn next_change(old: &mut Option<Side>, new: &mut Option<Side>) -> Result<Option<Change>, SetError> {
    loop {
        let (left, right) = (peek(old)?, peek(new)?);
        let change = match (left, right) {
            (None, None) => return Ok(None),
            (Some(a), Some(b)) if a == b => {
                take(old);
                take(new);
                continue;
            }
            (Some(a), b) if b.is_none_or(|b| a < b) => take(old).map(Change::Remove),
            _ => take(new).map(Change::Add),
        };
        return Ok(change);
    }
}

fn peek(side: &mut Option<Side>) -> Result<Option<[u8; 16]>, SetError> {
    match side {
        None => Ok(None),
        Some(side) => side.peek(),
    }
}

fn take(side: &mut Option<Side>) -> Option<Cookie> {
    side.as_mut().and_then(Side::take)
}

/// One file of a comparison, opened when it is first looked at.
struct Side {
    file: Arc<BlockFile>,
    entries: Option<Entries>,
    present: Option<Entry>,
}

impl Side {
    fn new(file: Arc<BlockFile>) -> Self {
        Side {
            file,
            entries: None,
            present: None,
        }
    }

    fn peek(&mut self) -> Result<Option<[u8; 16]>, SetError> {
        if self.present.is_none() {
            let entries = match &mut self.entries {
                Some(entries) => entries,
                none => none.insert(Entries::new(self.file.clone())?),
            };
            self.present = entries.next()?;
        }
        Ok(self.present.as_ref().map(|(tag, _)| *tag))
    }

    fn take(&mut self) -> Option<Cookie> {
        let (_, bytes) = self.present.take()?;
        let origin = self.entries.as_ref()?.origin.clone();
        Some(Cookie { origin, bytes })
    }
}

/// A tag and its cookie.
type Entry = ([u8; 16], Vec<u8>);

/// The entries of a member file in order.
struct Entries {
    reader: BlockReader,
    origin: Arc<Origin>,
}

impl Entries {
    fn new(file: Arc<BlockFile>) -> Result<Self, SetError> {
        let mut reader = BlockReader::new(file.clone());
        let mut length = [0; 4];
        reader.read_all(&mut length)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_ORIGIN {
            return Err(SetError::format(file.path(), "is not a member file"));
        }
        let mut json = vec![0; length];
        reader.read_all(&mut json)?;
        let origin = serde_json::from_slice(&json)
            .map_err(|_| SetError::format(file.path(), "is not a member file"))?;
        let origin = Arc::new(origin);
        Ok(Entries { reader, origin })
    }

    fn next(&mut self) -> Result<Option<Entry>, SetError> {
        let mut head = [0; 17];
        if !self.reader.read(&mut head)? {
            return Ok(None);
        }
        let mut tag = [0; 16];
        tag.copy_from_slice(&head[..16]);
        let mut cookie = vec![0; usize::from(head[16])];
        self.reader.read_all(&mut cookie)?;
        Ok(Some((tag, cookie)))
    }
}

fn context(ctx: &str) -> String {
    format!("tamis/v1/members/{ctx}")
}
