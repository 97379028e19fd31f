//! The parents of more rows than fit in memory: pages in a temporary file, encrypted, and a cache of them.
//!
//! A page is sealed under another number every time it is written; the number that counts is kept in memory.
//! Memory: the cache, and 16 bytes per 4,096 rows. The file loses its name as soon as it exists.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use tamis_keys::envelope::PageCipher;
use tamis_protocols::intersection::Parents;

use super::super::directory::create_file;
use super::super::header::context;
use super::{Files, SetError};

/// Rows of a page.
const ROWS: usize = 4096;
const SEALED: usize = 4 * ROWS + PageCipher::OVERHEAD;
/// Pages of the cache, at least.
const LEAST: usize = 4;

/// Parents of rows, most of them on the disk.
pub(super) struct PagedParents {
    rows: u32,
    file: File,
    path: PathBuf,
    cipher: PageCipher,
    /// Pages sealed so far.
    sealed: u64,
    /// Where every page is.
    places: Vec<Place>,
    slots: Vec<Slot>,
    most: usize,
    /// The next slot that may have to go.
    hand: usize,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Place {
    /// Nowhere yet: every row is its own parent.
    Fresh,
    /// In the file only, under this number.
    Stored(u64),
    Slot(u32),
}

struct Slot {
    page: usize,
    /// Where the page was before, and is again if nothing changes.
    before: Place,
    parents: Vec<u32>,
    /// Asked for since the hand came by.
    used: bool,
    /// Not as in the file.
    changed: bool,
}

impl PagedParents {
    /// `rows` rows, with a cache of `memory` bytes.
    pub(super) fn new(files: &Files<'_>, rows: u32, memory: usize) -> Result<Self, SetError> {
        let path = files.directory.join("merging");
        let file = create_file(&path)?;
        fs::remove_file(&path).map_err(SetError::io(&path))?;
        let nonce = hex::encode(files.nonce());
        let context = format!("{}/{nonce}", context(files.set_id, "merging"));
        Ok(PagedParents {
            rows,
            file,
            path,
            cipher: PageCipher::new(files.key, &context),
            sealed: 0,
            places: vec![Place::Fresh; (rows as usize).div_ceil(ROWS)],
            slots: Vec::new(),
            most: (memory / (4 * ROWS)).max(LEAST),
            hand: 0,
            bytes: Vec::new(),
        })
    }

    /// The page of a row, in memory.
    fn page(&mut self, row: u32) -> Result<&mut Slot, SetError> {
        let page = row as usize / ROWS;
        let at = match self.places[page] {
            Place::Slot(at) => at as usize,
            place => self.load(page, place)?,
        };
        let slot = &mut self.slots[at];
        slot.used = true;
        Ok(slot)
    }

    fn load(&mut self, page: usize, place: Place) -> Result<usize, SetError> {
        let at = self.free()?;
        let slot = &mut self.slots[at];
        (slot.page, slot.before) = (page, place);
        slot.parents.clear();
        match place {
            Place::Stored(number) => {
                self.bytes.resize(SEALED, 0);
                let read = self.file.read_exact_at(&mut self.bytes, offset(page));
                read.map_err(SetError::io(&self.path))?;
                let opened = self.cipher.open_in_place(number, &mut self.bytes);
                opened.map_err(|_| SetError::damaged(&self.path, page as u64))?;
                let parents = self.bytes.as_chunks().0[..ROWS].iter();
                slot.parents
                    .extend(parents.copied().map(u32::from_le_bytes));
            }
            _ => {
                let first = (page * ROWS) as u32;
                slot.parents.extend(first..first + ROWS as u32);
            }
        }
        self.places[page] = Place::Slot(at as u32);
        Ok(at)
    }

    /// A slot whose content is not needed: a new one, or one that was not used for long.
    fn free(&mut self) -> Result<usize, SetError> {
        if self.slots.len() < self.most {
            self.slots.push(Slot {
                page: 0,
                before: Place::Fresh,
                parents: Vec::with_capacity(ROWS),
                used: false,
                changed: false,
            });
            return Ok(self.slots.len() - 1);
        }
        while std::mem::take(&mut self.slots[self.hand].used) {
            self.hand = (self.hand + 1) % self.slots.len();
        }
        let slot = &mut self.slots[self.hand];
        if std::mem::take(&mut slot.changed) {
            self.bytes.resize(SEALED, 0);
            for (bytes, parent) in self.bytes.as_chunks_mut().0.iter_mut().zip(&slot.parents) {
                *bytes = parent.to_le_bytes();
            }
            self.cipher.seal_in_place(self.sealed, &mut self.bytes);
            let written = self.file.write_all_at(&self.bytes, offset(slot.page));
            written.map_err(SetError::io(&self.path))?;
            self.places[slot.page] = Place::Stored(self.sealed);
            self.sealed += 1;
        } else {
            self.places[slot.page] = slot.before;
        }
        Ok(self.hand)
    }
}

fn offset(page: usize) -> u64 {
    (page * SEALED) as u64
}

impl Parents for PagedParents {
    type Error = SetError;

    const FAR: bool = true;

    fn rows(&self) -> u32 {
        self.rows
    }

    fn get(&mut self, row: u32) -> Result<u32, SetError> {
        Ok(self.page(row)?.parents[row as usize % ROWS])
    }

    fn set(&mut self, row: u32, parent: u32) -> Result<(), SetError> {
        let slot = self.page(row)?;
        slot.parents[row as usize % ROWS] = parent;
        slot.changed = true;
        Ok(())
    }
}
