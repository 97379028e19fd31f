//! The parts of the token space, each sorted when it is read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::merge::Merge;
use super::radix::Radix;
use super::room::{Room, Taken};
use super::scratch::{Page, Scratch, ScratchFile};
use super::store::Partition;
use super::{BYTES, FILES, PARTITIONS, Record, SetError};

/// Records of a part, at least: neighbouring partitions are taken together up to that.
const LEAST: u64 = 16 << 10;
/// Records given at a time where a part is merged from pieces.
const SLICE: usize = 16 << 10;
/// Records of a page of a piece, at least and at most.
const PAGE: (usize, usize) = (16, 2048);

/// All tokens, to be read part by part; every token is in one part, in their order.
pub(in crate::sets) struct SortedTokens {
    scratch: Scratch,
    working: Room,
    /// How many threads read.
    threads: u64,
    parts: Vec<Part>,
}

struct Part {
    base: u64,
    last: u64,
    records: u64,
    content: Mutex<Content>,
}

impl Part {
    /// Takes the next part in; neither was read yet.
    fn append(&mut self, next: Part) {
        self.last = next.last;
        self.records += next.records;
        let inner = |content: Mutex<Content>| content.into_inner();
        let mut found = inner(next.content).unwrap_or_else(PoisonError::into_inner);
        let content = self.content.get_mut();
        let content = content.unwrap_or_else(PoisonError::into_inner);
        content.records.resident.append(&mut found.records.resident);
        content.records.spilled.append(&mut found.records.spilled);
    }
}

#[derive(Default)]
struct Content {
    records: Partition,
    sorted: bool,
}

/// Some records of a part, in order.
pub(in crate::sets) struct Slice<'a> {
    /// The records.
    pub(in crate::sets) records: &'a mut [Record],
    /// Whether they are the last of their part.
    pub(in crate::sets) last: bool,
    /// Whether they are what an earlier reader left.
    pub(in crate::sets) left: bool,
}

/// The memory of one thread that reads parts.
#[derive(Default)]
pub(in crate::sets) struct Workspace {
    radix: Radix,
    bytes: Vec<u8>,
}

/// Gives the parts to threads, in order.
pub(in crate::sets) struct Parts<'t> {
    tokens: &'t SortedTokens,
    next: Mutex<usize>,
}

impl<'t> Parts<'t> {
    /// The next part, and the memory that reading it takes, to be kept as long. It is taken in the order
    /// of the parts, so that who waits for an earlier part never keeps it from its memory.
    pub(in crate::sets) fn next(&self) -> Option<(usize, Taken<'t>)> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let part = *next;
        let records = self.tokens.parts.get(part)?.records;
        *next += 1;
        let records = usize::try_from(records).unwrap_or(usize::MAX);
        let bytes = records.saturating_mul(2 * BYTES);
        Some((part, self.tokens.working.take(bytes)))
    }
}

impl SortedTokens {
    pub(super) fn new(
        scratch: Scratch,
        working: usize,
        threads: usize,
        partitions: impl Iterator<Item = Partition>,
    ) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        for (partition, records) in (0u64..).zip(partitions) {
            let part = Part {
                base: partition << 56,
                last: (partition << 56) | (u64::MAX / PARTITIONS as u64),
                records: records.records(),
                content: Mutex::new(Content {
                    records,
                    sorted: false,
                }),
            };
            match parts.last_mut() {
                Some(last) if last.records < LEAST => last.append(part),
                _ => parts.push(part),
            }
        }
        SortedTokens {
            scratch,
            working: Room::new(working),
            threads: threads.max(1) as u64,
            parts,
        }
    }

    /// All records.
    pub(in crate::sets) fn records(&self) -> u64 {
        self.parts.iter().map(|part| part.records).sum()
    }

    /// The parts, for threads to share.
    pub(in crate::sets) fn parts(&self) -> Parts<'_> {
        let next = Mutex::new(0);
        Parts { tokens: self, next }
    }

    /// Gives `bytes` to sorting, and takes as many parts together as two threads can then read.
    pub(in crate::sets) fn widen(&mut self, bytes: usize) {
        self.working = Room::new(bytes.max(self.working.total()));
        let most = self.piece() as u64 / 2;
        let mut wide: Vec<Part> = Vec::new();
        for part in std::mem::take(&mut self.parts) {
            match wide.last_mut() {
                Some(last) if last.records + part.records <= most => last.append(part),
                _ => wide.push(part),
            }
        }
        self.parts = wide;
    }

    /// Keeps up to `bytes` of records in memory and moves the others to the disk.
    pub(in crate::sets) fn evict(&self, bytes: usize) -> Result<(), SetError> {
        let (mut kept, mut buffer, mut shared) = (0, Vec::new(), None);
        for part in 0..self.parts.len() {
            if part % (PARTITIONS / FILES) == 0 {
                shared = None;
            }
            let mut content = self.content(part);
            let resident = content.records.resident.iter();
            let size = resident
                .map(|buffer| buffer.capacity() * BYTES)
                .sum::<usize>();
            if kept + size <= bytes {
                kept += size;
                continue;
            }
            let file = match &mut shared {
                Some(file) => file,
                none => none.insert(Arc::new(self.scratch.file()?)),
            };
            for records in std::mem::take(&mut content.records.resident) {
                let page = self.scratch.write(file, &records, &mut buffer)?;
                content.records.spilled.push((file.clone(), page));
            }
        }
        Ok(())
    }

    /// Reads a part for the last time; what it took is free again.
    pub(in crate::sets) fn take<E: From<SetError>>(
        &self,
        part: usize,
        work: &mut Workspace,
        mut each: impl FnMut(Slice<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let content = std::mem::take(&mut *self.content(part));
        if !self.fits(part) {
            return self.merge(part, &content.records, work, each);
        }
        let records = match content.sorted {
            true => work.radix.gather(&content.records.resident),
            false => self.sort(part, &content.records, work)?,
        };
        let left = content.sorted;
        drop(content);
        each(Slice {
            records,
            last: true,
            left,
        })?;
        self.tidy(part, work);
        Ok(())
    }

    /// Reads a part that will be read again. Where all of it is in memory, the records that `each` leaves
    /// at the start of its only slice, as many as it returns, are what will be read then; else all are.
    pub(in crate::sets) fn peek<E: From<SetError>>(
        &self,
        part: usize,
        work: &mut Workspace,
        mut each: impl FnMut(Slice<'_>) -> Result<usize, E>,
    ) -> Result<(), E> {
        let mut content = std::mem::take(&mut *self.content(part));
        if self.fits(part) {
            let records = self.sort(part, &content.records, work)?;
            let left = each(Slice {
                records: &mut *records,
                last: true,
                left: false,
            })?;
            if content.records.spilled.is_empty() {
                // Into the memory that they came from.
                let mut left = &records[..left.min(records.len())];
                content.records.resident.retain_mut(|buffer| {
                    let (now, later) = left.split_at(left.len().min(buffer.len()));
                    buffer.clear();
                    buffer.extend_from_slice(now);
                    left = later;
                    !now.is_empty()
                });
                content.sorted = true;
            }
            self.tidy(part, work);
        } else {
            self.merge(part, &content.records, work, |slice| each(slice).map(drop))?;
        }
        *self.content(part) = content;
        Ok(())
    }

    fn content(&self, part: usize) -> MutexGuard<'_, Content> {
        let content = self.parts[part].content.lock();
        content.unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that are sorted at a time.
    fn piece(&self) -> usize {
        (self.working.total() / (2 * BYTES)).min(u32::MAX as usize)
    }

    fn fits(&self, part: usize) -> bool {
        self.parts[part].records <= self.piece() as u64
    }

    /// Keeps no more memory than what all threads may keep at a time.
    fn tidy(&self, part: usize, work: &mut Workspace) {
        if self.parts[part].records * self.threads > self.piece() as u64 {
            work.radix.shrink();
        }
    }

    /// Sorts a part at once.
    fn sort<'w>(
        &self,
        part: usize,
        content: &Partition,
        work: &'w mut Workspace,
    ) -> Result<&'w mut [Record], SetError> {
        let pages = content
            .spilled
            .iter()
            .map(|(_, page)| page.records as usize);
        let (records, mut at) = (pages.sum(), 0);
        let room = work.radix.room(records);
        for (file, page) in &content.spilled {
            let end = at + page.records as usize;
            self.scratch
                .read(file, *page, &mut work.bytes, &mut room[at..end])?;
            at = end;
        }
        let Part { base, last, .. } = self.parts[part];
        Ok(work.radix.sort(records, &content.resident, base, last))
    }

    /// Sorts a part in pieces and merges them.
    fn merge<E: From<SetError>>(
        &self,
        part: usize,
        content: &Partition,
        work: &mut Workspace,
        mut each: impl FnMut(Slice<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Part {
            base,
            last,
            records,
            ..
        } = self.parts[part];
        let piece = self.piece();
        let runs = records.div_ceil(piece as u64) as usize;
        let page = (piece / runs.max(1)).clamp(PAGE.0, PAGE.1);
        let mut merge = Merge::new(&self.scratch, page)?;
        let mut at = 0;
        let Workspace { radix, bytes } = work;
        let resident = content.resident.iter().map(Source::Resident);
        let spilled = content.spilled.iter();
        let spilled = spilled.map(|(file, page)| Source::Spilled(file, *page));
        for source in resident.chain(spilled) {
            if at + source.len() > piece {
                merge.add(radix.sort(at, &[], base, last))?;
                at = 0;
            }
            let room = &mut radix.room(piece)[at..at + source.len()];
            match source {
                Source::Resident(records) => room.copy_from_slice(records),
                Source::Spilled(file, page) => self.scratch.read(file, page, bytes, room)?,
            }
            at += room.len();
        }
        merge.add(radix.sort(at, &[], base, last))?;
        radix.shrink();
        merge.start()?;
        let mut slice = Vec::new();
        loop {
            slice.clear();
            let more = merge.next(SLICE, &mut slice)?;
            each(Slice {
                records: &mut slice,
                last: !more,
                left: false,
            })?;
            if !more {
                return Ok(());
            }
        }
    }
}

/// A buffer, wherever it is.
enum Source<'a> {
    Resident(&'a Vec<Record>),
    Spilled(&'a ScratchFile, Page),
}

impl Source<'_> {
    fn len(&self) -> usize {
        match self {
            Source::Resident(records) => records.len(),
            Source::Spilled(_, page) => page.records as usize,
        }
    }
}
