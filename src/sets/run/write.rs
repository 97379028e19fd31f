//! Writing a run: threads put sorted stretches, each takes the next free pages of the file.
//!
//! ```text
//! "tamisrun" ‖ version u16 = 1 ‖ columns u16 (0; crm: 1) ‖ records of a page u32 ‖ nonce 16     (little-endian)
//! page 0 ‖ page 1 ‖ …      each sealed by PageCipher at its number
//! ```
//! Pages lie in the file in the order in which they were finished; the index file, a block file, has their
//! order.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tamis_keys::Secret;
use tamis_keys::envelope::PageCipher;
use tamis_keys::purpose::Data;
use tamis_protocols::wire::batch::UploadKind;

use super::super::SetError;
use super::super::block::{BlockWriter, FileNonce, STREAM_BLOCK};
use super::super::directory::create_file;
use super::Record;
use super::behind::WriteBack;
use super::index::{Ends, Index};
use super::page::{RECORDS, Shape};

pub(super) const MAGIC: &[u8; 8] = b"tamisrun";
pub(super) const VERSION: u16 = 1;
pub(super) const HEADER: usize = 32;
/// Pages sealed at a time.
const STRETCH: usize = 64;

pub(super) fn cipher(key: &Secret<Data>, context: &str, nonce: &FileNonce) -> PageCipher {
    PageCipher::new(key, &format!("{context}/{}", hex::encode(nonce)))
}

/// A run being written by any number of threads. Memory: 36 bytes per page.
pub(in crate::sets) struct RunWriter {
    file: File,
    path: PathBuf,
    cipher: PageCipher,
    shape: Shape,
    /// By number.
    pages: Mutex<Vec<Ends>>,
    behind: Option<WriteBack>,
}

impl RunWriter {
    pub(in crate::sets) fn create(
        path: &Path,
        key: &Secret<Data>,
        context: &str,
        nonce: &FileNonce,
        kind: UploadKind,
    ) -> Result<Self, SetError> {
        let shape = Shape::of(kind);
        let mut file = create_file(path)?;
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(MAGIC);
        header[8..10].copy_from_slice(&VERSION.to_le_bytes());
        header[10] = u8::from(shape.classes);
        header[12..16].copy_from_slice(&(RECORDS as u32).to_le_bytes());
        header[16..].copy_from_slice(nonce);
        file.write_all(&header).map_err(SetError::io(path))?;
        Ok(RunWriter {
            file,
            path: path.to_owned(),
            cipher: cipher(key, context, nonce),
            shape,
            pages: Mutex::default(),
            behind: None,
        })
    }

    /// Has the disk begin to write long before the end, from a thread of its own.
    pub(in crate::sets) fn write_back(&mut self) -> Result<(), SetError> {
        let behind = WriteBack::new(&self.file).map_err(SetError::io(&self.path))?;
        self.behind = Some(behind);
        Ok(())
    }

    /// Writes a stretch of the run: ascending, and of a range of the token space in which nobody else
    /// puts anything before or after it has been put. The last page may be left unfilled, so stretches
    /// should be long. `buffer` is scratch memory, up to 64 pages.
    pub(in crate::sets) fn put(
        &self,
        records: &[Record],
        buffer: &mut Vec<u8>,
    ) -> Result<(), SetError> {
        let sealed = self.shape.sealed();
        for stretch in records.chunks(RECORDS * STRETCH) {
            let first = self.reserve(stretch)?;
            buffer.clear();
            buffer.resize(stretch.len().div_ceil(RECORDS) * sealed, 0);
            let pages = stretch.chunks(RECORDS).zip(buffer.chunks_exact_mut(sealed));
            for (number, (records, page)) in (first..).zip(pages) {
                self.shape.encode(records, page);
                self.cipher.seal_in_place(number, page);
            }
            let offset = HEADER as u64 + first * sealed as u64;
            let written = self.file.write_all_at(buffer, offset);
            written.map_err(SetError::io(&self.path))?;
            if let Some(behind) = &self.behind {
                behind.wrote(buffer.len());
            }
        }
        Ok(())
    }

    /// Takes page numbers for a stretch; returns the first.
    fn reserve(&self, stretch: &[Record]) -> Result<u64, SetError> {
        let poisoned = |_| SetError::format(&self.path, "is being written by a thread that failed");
        let mut pages = self.pages.lock().map_err(poisoned)?;
        let first = pages.len();
        for page in stretch.chunks(RECORDS) {
            if let (Some(first), Some(last)) = (page.first(), page.last()) {
                let (first, last) = (first.token(), last.token());
                pages.push(Ends { first, last });
            }
        }
        match u32::try_from(pages.len()) {
            Ok(_) => Ok(first as u64),
            Err(_) => Err(SetError::format(
                &self.path,
                "would have more than 2³² pages",
            )),
        }
    }

    /// Makes the run durable if `durable`; returns its bytes, and the index to be written beside it.
    pub(in crate::sets) fn finish(self, durable: bool) -> Result<(u64, Vec<u8>), SetError> {
        if let Some(behind) = self.behind {
            behind.finish().map_err(SetError::io(&self.path))?;
        }
        if durable {
            self.file.sync_all().map_err(SetError::io(&self.path))?;
        }
        let poisoned = |_| SetError::format(&self.path, "was written by a thread that failed");
        let pages = self.pages.into_inner().map_err(poisoned)?;
        let bytes = HEADER as u64 + pages.len() as u64 * self.shape.sealed() as u64;
        Ok((bytes, Index::new(pages).encode()))
    }
}

/// Writes the index as a file of its own, durable if `durable`; returns its length.
pub(in crate::sets) fn write_index(
    path: &Path,
    key: &Secret<Data>,
    context: &str,
    nonce: &FileNonce,
    index: &[u8],
    durable: bool,
) -> Result<u64, SetError> {
    let mut file = BlockWriter::create(path, key, context, nonce, STREAM_BLOCK)?;
    file.write(index)?;
    file.close(durable)
}
