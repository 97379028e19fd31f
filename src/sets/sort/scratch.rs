//! Temporary files of records, encrypted, that lose their name as soon as they exist: whatever ends the
//! process, nothing of them is left.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use tamis_keys::Secret;
use tamis_keys::envelope::PageCipher;
use tamis_keys::purpose::Data;

use super::super::block::FileNonce;
use super::super::directory::create_file;
use super::{BYTES, Record, SetError};

/// Makes temporary files, and seals what is written to them. Every page has a number of its own through
/// all files, so that none is ever sealed twice under the key.
pub(in crate::sets) struct Scratch {
    directory: PathBuf,
    cipher: PageCipher,
    pages: AtomicU64,
    files: AtomicU64,
}

/// A temporary file; its space is free again when it is dropped.
pub(super) struct ScratchFile {
    file: File,
    path: PathBuf,
    end: AtomicU64,
}

/// Where some records are in a file.
#[derive(Clone, Copy)]
pub(super) struct Page {
    number: u64,
    offset: u64,
    pub(super) records: u32,
}

impl Scratch {
    /// Files in `directory`, under a subkey of `key` for `context` and `nonce`, which is fresh.
    pub(in crate::sets) fn new(
        directory: &Path,
        key: &Secret<Data>,
        context: &str,
        nonce: &FileNonce,
    ) -> Self {
        Scratch {
            directory: directory.to_owned(),
            cipher: PageCipher::new(key, &format!("{context}/{}", hex::encode(nonce))),
            pages: AtomicU64::new(0),
            files: AtomicU64::new(0),
        }
    }

    pub(super) fn file(&self) -> Result<ScratchFile, SetError> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let path = self.directory.join(format!("sorting.{number}"));
        let file = create_file(&path)?;
        fs::remove_file(&path).map_err(SetError::io(&path))?;
        Ok(ScratchFile {
            file,
            path,
            end: AtomicU64::new(0),
        })
    }

    /// Appends records as a page. `bytes` is scratch memory of the page's size.
    pub(super) fn write(
        &self,
        file: &ScratchFile,
        records: &[Record],
        bytes: &mut Vec<u8>,
    ) -> Result<Page, SetError> {
        let sealed = records.len() * BYTES + PageCipher::OVERHEAD;
        bytes.resize(sealed, 0);
        for (bytes, record) in bytes.as_chunks_mut::<BYTES>().0.iter_mut().zip(records) {
            for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(record.words()) {
                *bytes = word.to_le_bytes();
            }
        }
        let page = Page {
            number: self.pages.fetch_add(1, Ordering::Relaxed),
            offset: file.end.fetch_add(sealed as u64, Ordering::Relaxed),
            records: records.len() as u32,
        };
        self.cipher.seal_in_place(page.number, bytes);
        let written = file.file.write_all_at(bytes, page.offset);
        written.map_err(SetError::io(&file.path))?;
        Ok(page)
    }

    /// Reads a page into `records`, which is as long as the page.
    pub(super) fn read(
        &self,
        file: &ScratchFile,
        page: Page,
        bytes: &mut Vec<u8>,
        records: &mut [Record],
    ) -> Result<(), SetError> {
        bytes.resize(page.records as usize * BYTES + PageCipher::OVERHEAD, 0);
        let read = file.file.read_exact_at(bytes, page.offset);
        read.map_err(SetError::io(&file.path))?;
        let opened = self.cipher.open_in_place(page.number, bytes);
        opened.map_err(|_| SetError::damaged(&file.path, page.number))?;
        for (bytes, record) in bytes.as_chunks::<BYTES>().0.iter().zip(records) {
            let mut words = [0; 3];
            for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
                *word = u64::from_le_bytes(*bytes);
            }
            *record = Record::from_words(words);
        }
        Ok(())
    }
}
