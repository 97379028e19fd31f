//! A run opened for reading, by any number of threads.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tamis_keys::Secret;
use tamis_keys::envelope::PageCipher;
use tamis_keys::purpose::Data;
use tamis_protocols::wire::batch::UploadKind;

use super::super::SetError;
use super::super::block::{BlockFile, FileNonce};
use super::Index;
use super::page::{RECORDS, Shape};
use super::write::{HEADER, MAGIC, VERSION, cipher};

/// The token run of a layer. Memory: that of its index.
pub(crate) struct RunFile {
    file: File,
    path: PathBuf,
    cipher: PageCipher,
    pub(super) shape: Shape,
    nonce: FileNonce,
    index: Index,
}

impl RunFile {
    /// Opens a run and its index, and checks that they fit each other.
    pub(in crate::sets) fn open(
        path: &Path,
        key: &Secret<Data>,
        context: &str,
        kind: UploadKind,
        index: &Arc<BlockFile>,
    ) -> Result<Self, SetError> {
        let file = File::open(path).map_err(SetError::io(path))?;
        let size = file.metadata().map_err(SetError::io(path))?.len();
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => SetError::format(path, "is cut short"),
                _ => SetError::io(path)(error),
            })?;
        let shape = Shape::of(kind);
        if &header[..8] != MAGIC {
            return Err(SetError::format(path, "is not a token run"));
        }
        let records = u32::from_le_bytes([header[12], header[13], header[14], header[15]]);
        if header[8..10] != VERSION.to_le_bytes() || records as usize != RECORDS {
            return Err(SetError::format(path, "is of another version"));
        }
        if header[10..12] != [u8::from(shape.classes), 0] {
            return Err(SetError::format(path, "belongs to the other side"));
        }
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&header[16..]);
        let index = Index::read(index)?;
        let pages = (size - HEADER as u64) / shape.sealed() as u64;
        let whole = HEADER as u64 + pages * shape.sealed() as u64 == size;
        if !whole || pages != index.len() as u64 {
            return Err(SetError::format(path, "has not the pages of its index"));
        }
        Ok(RunFile {
            cipher: cipher(key, context, &nonce),
            file,
            path: path.to_owned(),
            shape,
            nonce,
            index,
        })
    }

    /// Which tokens stand on which page.
    pub(crate) fn index(&self) -> &Index {
        &self.index
    }

    /// Bytes of a page.
    pub(in crate::sets) fn page_bytes(&self) -> usize {
        self.shape.sealed()
    }

    /// Length in bytes.
    pub(in crate::sets) fn bytes(&self) -> u64 {
        HEADER as u64 + (self.index.len() * self.shape.sealed()) as u64
    }

    pub(in crate::sets) fn nonce(&self) -> &FileNonce {
        &self.nonce
    }

    /// Reads `pages` into `buffer`, one behind the other, still sealed. Neighbours in the file are read
    /// at once.
    pub(super) fn read(&self, pages: Range<usize>, buffer: &mut [u8]) -> Result<(), SetError> {
        let sealed = self.shape.sealed();
        let mut buffer = &mut buffer[..pages.len() * sealed];
        for numbers in self.index.numbers(pages) {
            let (now, later) = buffer.split_at_mut(numbers.len() * sealed);
            let offset = HEADER as u64 + u64::from(numbers.start) * sealed as u64;
            let read = self.file.read_exact_at(now, offset);
            read.map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => self.damaged(numbers.start),
                _ => SetError::io(&self.path)(error),
            })?;
            buffer = later;
        }
        Ok(())
    }

    /// Opens page `page`, as [`RunFile::read`] left it.
    pub(super) fn unseal(&self, page: usize, bytes: &mut [u8]) -> Result<(), SetError> {
        let number = self.index.number(page);
        let opened = self.cipher.open_in_place(number.into(), bytes);
        opened.map_err(|_| self.damaged(number))
    }

    fn damaged(&self, number: u32) -> SetError {
        SetError::damaged(&self.path, number.into())
    }
}
