//! The sink's memory across crashes: an append-only file of checked frames, synced before an answer.
//!
//! A frame is `length (u32, little endian) ‖ first 8 bytes of SHA-256(payload) ‖ payload`, the payload
//! a JSON [`Entry`]. A crash can leave at most one torn frame at the end; opening drops it, and the
//! sender, who has no answer, sends that message again.
//!
//! Memory: one frame at a time. Disk: the file grows by what changes; [`Journal::rewrite`] replaces it
//! by the present state.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tamis_protocols::wire::delivery::MAX_BODY;

use super::SinkError;

const FILE: &str = "journal";
const HEADER: usize = 12;
/// An entry is never longer than the message that it came from, but for a few names.
const MAX_PAYLOAD: usize = MAX_BODY + 1024;

/// What is remembered. No `Debug`: it carries cookies.
#[derive(Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub(super) enum Entry {
    /// A message was applied.
    Batch {
        collaboration: String,
        audience: String,
        delivery: String,
        sequence: u32,
        last: bool,
        remove: Vec<String>,
        add: Vec<String>,
    },
    /// After a rewrite: members of an audience, up to 10,000 per entry.
    Members {
        collaboration: String,
        audience: String,
        members: Vec<String>,
    },
    /// After a rewrite: how far a delivery is.
    Progress {
        delivery: String,
        next: u32,
        ended: bool,
    },
}

/// The open journal.
pub(super) struct Journal {
    file: File,
    directory: PathBuf,
    length: u64,
    /// What is on disk is not known: nothing may follow it.
    broken: bool,
}

impl Journal {
    /// Opens or makes the journal and hands every entry to `apply`, in order.
    pub(super) fn open(
        directory: &Path,
        mut apply: impl FnMut(Entry),
    ) -> Result<Journal, SinkError> {
        let file = private().read(true).open(directory.join(FILE))?;
        let end = file.metadata()?.len();
        let mut reader = BufReader::new(file);
        let mut length = 0;
        while let Some((entry, size)) = read_frame(&mut reader, end - length)? {
            apply(entry);
            length += size;
        }
        let mut file = reader.into_inner();
        if end > length {
            // One torn append is what a crash leaves. More than that is damage.
            if end - length > (HEADER + MAX_PAYLOAD) as u64 {
                return Err(SinkError::Damaged);
            }
            file.set_len(length)?;
            file.sync_all()?;
        }
        file.seek(SeekFrom::Start(length))?;
        sync_directory(directory)?;
        Ok(Journal {
            file,
            directory: directory.to_path_buf(),
            length,
            broken: false,
        })
    }

    /// Bytes on disk.
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// Appends and syncs. After a failed write nothing of the entry remains. After a failed sync the
    /// entry may be there, and nothing more is taken until the journal is read anew; the message that
    /// is then sent again meets it.
    pub(super) fn append(&mut self, entry: &Entry) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("the journal must be read anew"));
        }
        let frame = frame(entry)?;
        if let Err(error) = self.file.write_all(&frame) {
            let cut = self.file.set_len(self.length);
            let back = self.file.seek(SeekFrom::Start(self.length));
            self.broken = cut.is_err() || back.is_err();
            return Err(error);
        }
        if let Err(error) = self.file.sync_data() {
            // Nobody knows what a failed sync left on disk, and a second one would say nothing.
            self.broken = true;
            return Err(error);
        }
        self.length += frame.len() as u64;
        Ok(())
    }

    /// Replaces the journal by these entries: wholly, or not at all.
    pub(super) fn rewrite(&mut self, entries: impl Iterator<Item = Entry>) -> io::Result<()> {
        let mut new = tempfile::NamedTempFile::new_in(&self.directory)?;
        let mut length = 0;
        for entry in entries {
            let frame = frame(&entry)?;
            new.write_all(&frame)?;
            length += frame.len() as u64;
        }
        new.as_file().sync_all()?;
        self.file = new
            .persist(self.directory.join(FILE))
            .map_err(|error| error.error)?;
        self.length = length;
        sync_directory(&self.directory)
    }

    /// For tests: a journal whose file refuses to be written.
    #[cfg(test)]
    pub(super) fn make_read_only(&mut self) -> io::Result<()> {
        self.file = File::open(self.directory.join(FILE))?;
        Ok(())
    }
}

/// A new or existing file that only its owner can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options
}

pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

fn frame(entry: &Entry) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; HEADER];
    serde_json::to_writer(&mut frame, entry)?;
    let (header, payload) = frame.split_at_mut(HEADER);
    if payload.len() > MAX_PAYLOAD {
        return Err(io::Error::other("the entry is too long"));
    }
    header[..4].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    header[4..].copy_from_slice(&checksum(payload));
    Ok(frame)
}

/// The next entry and its size on disk, or `None` where the checked frames end.
fn read_frame(reader: &mut impl Read, left: u64) -> Result<Option<(Entry, u64)>, SinkError> {
    let mut header = [0; HEADER];
    if left < HEADER as u64 {
        return Ok(None);
    }
    reader.read_exact(&mut header)?;
    let [a, b, c, d, sum @ ..] = header;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > MAX_PAYLOAD || (HEADER + length) as u64 > left {
        return Ok(None);
    }
    let mut payload = vec![0; length];
    reader.read_exact(&mut payload)?;
    if checksum(&payload) != sum {
        return Ok(None);
    }
    // Whole, but not ours: to be kept, not cut off.
    let entry = serde_json::from_slice(&payload).map_err(|_| SinkError::Damaged)?;
    Ok(Some((entry, (HEADER + length) as u64)))
}

fn checksum(payload: &[u8]) -> [u8; 8] {
    let mut sum = [0; 8];
    sum.copy_from_slice(&Sha256::digest(payload)[..8]);
    sum
}
