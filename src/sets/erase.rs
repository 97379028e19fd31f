//! Erasing: people leave a layer for good, tokens, rows, cookies and segments. Everybody else keeps
//! their number, and the layer its name, so that what was decided on it, and what lies on it, goes on.
//!
//! Flow: [`owners_of`] finds whose the tokens are in a whole set; [`erase`] writes each of its layers anew
//! beside the old one and takes its place in one step. A person is found by any of its tokens, whichever
//! layer has it. So that a kill between two layers hides nobody, a set of several layers is gone through
//! twice: first everything but the tokens that were asked for, in every layer, then these.
//!
//! The new header keeps its nonce: deltas know the layer below by it. Blocks have a synthetic nonce each, so
//! no two of them share one. All other files are under fresh nonces.
//!
//! Memory: a bitmap of owners and one of rows; 64 pages; a block per file.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use roaring::RoaringBitmap;
use tamis_keys::purpose::Data;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::token::Token;
use tamis_protocols::wire::batch::UploadKind;

use super::block::{BlockReader, STREAM_BLOCK};
use super::changes::Fate;
use super::classes::{RARE_ROWS, push_rare};
use super::cookies;
use super::directory::Staged;
use super::header::{HEADER, SetHeader};
use super::ingest::Files;
use super::layer::{SALTS, compacted_id};
use super::rows::{NOBODY, PERSONS, ROWS, ROWS_PER_BLOCK, row_length};
use super::run::INDEX;
use super::{Finder, Layer, Record, SealError, SealedSet, SetError, Window};

/// Pages looked at together.
const PAGES: usize = 64;

/// A layer that people are to leave.
pub struct EraseJob<'a> {
    /// The layer.
    pub layer: &'a Layer,
    /// Whether it is a compacted one.
    pub compacted: bool,
    /// Where it is; built anew in `dir.tmp`.
    pub dir: &'a Path,
    /// Its key.
    pub key: &'a Secret<Data>,
    /// For file nonces.
    pub entropy: &'a dyn Entropy,
    /// Who leaves, as [`owners_of`] numbers them.
    pub owners: &'a RoaringBitmap,
    /// The tokens that were asked for, ascending.
    pub tokens: &'a [Token],
    /// Whether these stay in the run for now: to find their people by.
    pub keep_tokens: bool,
    /// Set it to end the job soon.
    pub cancel: &'a AtomicBool,
}

/// Whose the tokens are, in the numbers of the set: rows of an advertiser, counted through its layers;
/// persons of a partner, with all numbers that became one with theirs, also of those that are gone.
///
/// # Errors
/// A damaged file.
pub fn owners_of(set: &SealedSet, tokens: &[Token]) -> Result<RoaringBitmap, SetError> {
    let mut owners = RoaringBitmap::new();
    for layer in set.layers() {
        let first = match set.kind() {
            UploadKind::Crm => layer.first_row(),
            UploadKind::Graph => 0,
        };
        let mut finder = Finder::new(layer.run());
        for token in tokens {
            finder.find(u128::from_be_bytes(token.0), |view, at| {
                owners.insert(first + view.owner(at));
            })?;
        }
    }
    let fate = Fate::of(set);
    let ends: RoaringBitmap = owners
        .iter()
        .map(|owner| fate.end(owner))
        .chain(owners.iter())
        .collect();
    let led = fate.aliases().iter().filter(|(_, to)| ends.contains(*to));
    let led: RoaringBitmap = led.map(|(from, _)| *from).collect();
    Ok(ends | led)
}

/// Writes the layer anew without some owners, and without the tokens that were asked for unless they stay.
/// A layer that has nothing of them is left as it is; false then.
///
/// # Errors
/// [`SealError`]; the layer is then as it was.
pub fn erase(job: EraseJob<'_>) -> Result<bool, SealError> {
    let has_tokens = job.has_tokens()?;
    let rows = match job.owners.is_empty() {
        true => RoaringBitmap::new(),
        false => job.rows()?,
    };
    if rows.is_empty() && !has_tokens {
        // A run that was killed after the exchange left the old layer beside this one.
        Staged::clear_beside(job.dir)?;
        return Ok(false);
    }
    let id = match job.compacted {
        true => compacted_id(job.layer.id()),
        false => job.layer.id().to_owned(),
    };
    let staged = Staged::directory(job.dir)?;
    let mut files = Files {
        directory: staged.path(),
        key: job.key,
        set_id: &id,
        entropy: job.entropy,
        durable: true,
        entries: Default::default(),
    };
    job.write_run(&mut files)?;
    for (name, _) in job.layer.files() {
        match name {
            INDEX => {}
            ROWS => job.write_rows(&rows, &mut files)?,
            PERSONS => job.write_persons(&rows, &mut files)?,
            RARE_ROWS => job.write_rare(&rows, &mut files)?,
            SALTS => job.blank(SALTS, 32, &[0; 32], &rows, &mut files)?,
            name => match job.destination(name) {
                Some(at) => job.write_cookies(at, &rows, &mut files)?,
                // Numbers of owners, or combinations of segments: nothing of a person.
                None => job.copy(name, &mut files)?,
            },
        }
    }
    let old = &job.layer.header;
    let header = SetHeader {
        version: old.version,
        kind: old.kind,
        collaboration: old.collaboration.clone(),
        epoch: old.epoch,
        identifiers: old.identifiers.clone(),
        segments: old.segments.clone(),
        destinations: old.destinations.clone(),
        rows: old.rows,
        persons: old.persons,
        below: old.below.clone(),
        report: old.report.clone(),
        files: std::mem::take(&mut files.entries),
    };
    header.write(staged.path(), job.key, &id, job.layer.nonce(), true)?;
    job.check()?;
    let names = old.files.keys().map(String::as_str);
    staged.replace(names.chain([HEADER]))?;
    Ok(true)
}

impl EraseJob<'_> {
    fn check(&self) -> Result<(), SealError> {
        match self.cancel.load(Ordering::Relaxed) {
            true => Err(SealError::Cancelled),
            false => Ok(()),
        }
    }

    fn is_crm(&self) -> bool {
        self.layer.header.kind == UploadKind::Crm
    }

    /// Rows of the layer that leave, counted in it.
    fn rows(&self) -> Result<RoaringBitmap, SealError> {
        let (layer, mut rows) = (self.layer, RoaringBitmap::new());
        if self.is_crm() {
            let own = layer.first_row()..layer.first_row() + layer.rows();
            rows.extend(self.owners.range(own.clone()).map(|row| row - own.start));
            return Ok(rows);
        }
        let mut walk = layer.walk_rows()?;
        while let Some(block) = walk.next()? {
            let leaving = (0..block.len()).filter(|i| self.owners.contains(block.person(*i)));
            rows.extend(leaving.map(|i| block.first + i as u32));
            self.check()?;
        }
        Ok(rows)
    }

    fn has_tokens(&self) -> Result<bool, SealError> {
        let mut any = false;
        if !self.keep_tokens {
            let mut finder = Finder::new(self.layer.run());
            for token in self.tokens {
                finder.find(u128::from_be_bytes(token.0), |_, _| any = true)?;
            }
        }
        Ok(any)
    }

    fn leaves(&self, token: [u8; 16], owner: u32) -> bool {
        let asked = self.tokens.binary_search(&Token(token)).is_ok();
        match asked {
            true => !self.keep_tokens,
            false => {
                let first = if self.is_crm() {
                    self.layer.first_row()
                } else {
                    0
                };
                self.owners.contains(first + owner)
            }
        }
    }

    fn write_run(&self, files: &mut Files<'_>) -> Result<(), SealError> {
        let run = self.layer.run();
        let writer = files.create_run(self.layer.header.kind)?;
        let mut window = Window::new(run);
        let (mut records, mut buffer) = (Vec::new(), Vec::new());
        let pages = run.index().len();
        for from in (0..pages).step_by(PAGES) {
            let to = pages.min(from + PAGES);
            window.aim(from..to);
            window.read()?;
            for page in 0..to - from {
                let view = window.page(page)?;
                for at in 0..view.len() {
                    let token = view.tokens.get(at).to_be_bytes();
                    let owner = view.owner(at);
                    if !self.leaves(token, owner) {
                        let (day, class) = (view.day(at), view.class(at));
                        records.push(Record::new(token, owner, day, class));
                    }
                }
            }
            writer.put(&records, &mut buffer)?;
            records.clear();
            self.check()?;
        }
        Ok(files.close_run(writer)?)
    }

    fn write_rows(&self, rows: &RoaringBitmap, files: &mut Files<'_>) -> Result<(), SealError> {
        let length = row_length(self.layer.destinations().len());
        self.blank(ROWS, length, &vec![0; length], rows, files)
    }

    fn write_persons(&self, rows: &RoaringBitmap, files: &mut Files<'_>) -> Result<(), SealError> {
        self.blank(PERSONS, 4, &NOBODY.to_le_bytes(), rows, files)
    }

    /// Writes a file of `length` bytes per row anew, with `nothing` in the rows that leave.
    fn blank(
        &self,
        name: &str,
        length: usize,
        nothing: &[u8],
        rows: &RoaringBitmap,
        files: &mut Files<'_>,
    ) -> Result<(), SealError> {
        let old = self.layer.file(name)?;
        let mut new = files.create(name, old.block_length())?;
        let mut reader = BlockReader::new(old.clone());
        let mut chunk = Vec::new();
        let total = self.layer.rows() as usize;
        for first in (0..total).step_by(ROWS_PER_BLOCK) {
            let count = ROWS_PER_BLOCK.min(total - first);
            chunk.resize(count * length, 0);
            reader.read_all(&mut chunk)?;
            for row in rows.range(first as u32..(first + count) as u32) {
                let at = (row as usize - first) * length;
                chunk[at..at + length].copy_from_slice(nothing);
            }
            new.write(&chunk)?;
            self.check()?;
        }
        Ok(files.close(name, new)?)
    }

    fn write_rare(&self, rows: &RoaringBitmap, files: &mut Files<'_>) -> Result<(), SealError> {
        let mut new = files.create(RARE_ROWS, STREAM_BLOCK)?;
        let mut bytes = Vec::new();
        if let Some(mut rare) = self.layer.rare_rows() {
            while let Some((row, segments)) = rare.next()? {
                if !rows.contains(row) {
                    bytes.clear();
                    push_rare(&mut bytes, row, segments);
                    new.write(&bytes)?;
                }
            }
        }
        Ok(files.close(RARE_ROWS, new)?)
    }

    /// The position of the destination whose cookies are in the file of that name.
    fn destination(&self, name: &str) -> Option<usize> {
        let mut all = 0..self.layer.destinations().len();
        all.find(|at| cookies::file_name(*at) == name)
    }

    fn write_cookies(
        &self,
        at: usize,
        rows: &RoaringBitmap,
        files: &mut Files<'_>,
    ) -> Result<(), SealError> {
        let name = cookies::file_name(at);
        let mut new = files.create(&name, STREAM_BLOCK)?;
        let mut walk = self.layer.walk_cookies(at)?;
        let mut bytes = Vec::with_capacity(2 * STREAM_BLOCK);
        while walk.advance()? {
            if rows.contains(walk.row) {
                continue;
            }
            cookies::encode(&mut bytes, walk.row, &walk.tag, walk.cookie());
            if bytes.len() >= STREAM_BLOCK {
                new.write(&bytes)?;
                bytes.clear();
                self.check()?;
            }
        }
        new.write(&bytes)?;
        Ok(files.close(&name, new)?)
    }

    fn copy(&self, name: &str, files: &mut Files<'_>) -> Result<(), SealError> {
        let old = self.layer.file(name)?;
        let mut new = files.create(name, old.block_length())?;
        let mut left = old.bytes();
        let mut reader = BlockReader::new(old.clone());
        let mut chunk = vec![0; STREAM_BLOCK];
        while left > 0 {
            let count = left.min(STREAM_BLOCK as u64) as usize;
            reader.read_all(&mut chunk[..count])?;
            new.write(&chunk[..count])?;
            left -= count as u64;
        }
        Ok(files.close(name, new)?)
    }
}
