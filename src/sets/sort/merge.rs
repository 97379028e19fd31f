//! A part that is larger than the budget: sorted in pieces, each written as a run of pages, and merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::scratch::{Page, Scratch, ScratchFile};
use super::{Record, SetError};

/// Sorted runs in one temporary file. Memory: a page of each.
pub(super) struct Merge<'s> {
    scratch: &'s Scratch,
    file: ScratchFile,
    /// Records of a page.
    page: usize,
    runs: Vec<Run>,
    bytes: Vec<u8>,
    heap: BinaryHeap<Reverse<(Record, usize)>>,
}

#[derive(Default)]
struct Run {
    pages: Vec<Page>,
    /// The next page, and what is in memory.
    next: usize,
    records: Vec<Record>,
    at: usize,
}

impl<'s> Merge<'s> {
    /// Runs with pages of `page` records.
    pub(super) fn new(scratch: &'s Scratch, page: usize) -> Result<Self, SetError> {
        Ok(Merge {
            scratch,
            file: scratch.file()?,
            page,
            runs: Vec::new(),
            bytes: Vec::new(),
            heap: BinaryHeap::new(),
        })
    }

    /// Adds a run of sorted records.
    pub(super) fn add(&mut self, records: &[Record]) -> Result<(), SetError> {
        let mut run = Run::default();
        for page in records.chunks(self.page) {
            let page = self.scratch.write(&self.file, page, &mut self.bytes)?;
            run.pages.push(page);
        }
        self.runs.push(run);
        Ok(())
    }

    /// Begins to merge, once all runs are there.
    pub(super) fn start(&mut self) -> Result<(), SetError> {
        (0..self.runs.len()).try_for_each(|run| self.queue(run))
    }

    /// Appends up to `most` records to `out`; whether there are more.
    pub(super) fn next(&mut self, most: usize, out: &mut Vec<Record>) -> Result<bool, SetError> {
        for _ in 0..most {
            let Some(Reverse((record, run))) = self.heap.pop() else {
                break;
            };
            out.push(record);
            self.queue(run)?;
        }
        Ok(!self.heap.is_empty())
    }

    /// Puts the next record of a run on the heap.
    fn queue(&mut self, run: usize) -> Result<(), SetError> {
        let source = &mut self.runs[run];
        if source.at == source.records.len() {
            let Some(page) = source.pages.get(source.next).copied() else {
                source.records = Vec::new();
                source.at = 0;
                return Ok(());
            };
            source.next += 1;
            source.at = 0;
            source
                .records
                .resize(page.records as usize, Record::default());
            let (bytes, records) = (&mut self.bytes, &mut source.records);
            self.scratch.read(&self.file, page, bytes, records)?;
        }
        let record = source.records[source.at];
        source.at += 1;
        self.heap.push(Reverse((record, run)));
        Ok(())
    }
}
