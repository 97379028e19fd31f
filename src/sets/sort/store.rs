//! What the intakes hand over: buffers of records by partition, in memory or on the disk.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::part::SortedTokens;
use super::scratch::{Page, Scratch, ScratchFile};
use super::{BYTES, FILES, PARTITIONS, Record, SetError};

/// Records of a full buffer, at most and at least.
const BUFFER: (usize, usize) = (2048, 16);

/// Sorts tokens for several threads; see [`super`].
pub(in crate::sets) struct TokenSorter {
    pub(super) scratch: Scratch,
    /// Records of a full buffer.
    pub(super) buffer: usize,
    /// Bytes that may stay in memory, and that do.
    room: usize,
    resident: AtomicUsize,
    /// Bytes for sorting.
    working: usize,
    threads: usize,
    partitions: Vec<Mutex<Partition>>,
    files: [Mutex<Option<Arc<ScratchFile>>>; FILES],
}

/// Records of one partition, in no order.
#[derive(Default)]
pub(super) struct Partition {
    pub(super) resident: Vec<Vec<Record>>,
    pub(super) spilled: Vec<(Arc<ScratchFile>, Page)>,
}

impl Partition {
    pub(super) fn records(&self) -> u64 {
        let resident = self.resident.iter().map(|buffer| buffer.len() as u64);
        let spilled = self.spilled.iter().map(|(_, page)| u64::from(page.records));
        resident.sum::<u64>() + spilled.sum::<u64>()
    }
}

impl TokenSorter {
    /// A sorter that is fed and read by up to `threads` threads at a time. Of its budget of `memory` bytes an
    /// eighth are buffers of the intakes, half are records that stay in memory, a quarter is for sorting.
    pub(in crate::sets) fn new(scratch: Scratch, memory: usize, threads: usize) -> Self {
        let buffer = memory / 8 / threads.max(1) / PARTITIONS / BYTES;
        let buffer = 1 << buffer.clamp(BUFFER.1, BUFFER.0).ilog2();
        TokenSorter {
            scratch,
            buffer,
            room: memory / 2,
            resident: AtomicUsize::new(0),
            working: (memory / 4).max(256 << 10),
            threads,
            partitions: (0..PARTITIONS).map(|_| Mutex::default()).collect(),
            files: Default::default(),
        }
    }

    /// Leaves `bytes` of the budget to what is known to be needed once all records are there: memory that was
    /// given back record by record does not always return to the system.
    pub(in crate::sets) fn beside(self, bytes: usize) -> Self {
        let room = (self.room / 2 * 3).saturating_sub(bytes).min(self.room);
        TokenSorter { room, ..self }
    }

    /// Takes a buffer over, leaving an empty one of the same capacity.
    pub(super) fn put(
        &self,
        partition: usize,
        records: &mut Vec<Record>,
        bytes: &mut Vec<u8>,
    ) -> Result<(), SetError> {
        let size = records.len() * BYTES;
        if self.resident.fetch_add(size, Ordering::Relaxed) + size <= self.room {
            let empty = Vec::with_capacity(self.buffer);
            self.keep(partition, std::mem::replace(records, empty));
            return Ok(());
        }
        self.resident.fetch_sub(size, Ordering::Relaxed);
        let file = self.file(partition)?;
        let page = self.scratch.write(&file, records, bytes)?;
        records.clear();
        self.partition(partition).spilled.push((file, page));
        Ok(())
    }

    /// Takes the rest of an intake over, which is in memory already.
    pub(super) fn keep(&self, partition: usize, records: Vec<Record>) {
        if !records.is_empty() {
            self.partition(partition).resident.push(records);
        }
    }

    fn partition(&self, partition: usize) -> MutexGuard<'_, Partition> {
        let partition = self.partitions[partition].lock();
        partition.unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, partition: usize) -> Result<Arc<ScratchFile>, SetError> {
        let file = self.files[partition * FILES / PARTITIONS].lock();
        let mut file = file.unwrap_or_else(PoisonError::into_inner);
        match &*file {
            Some(file) => Ok(file.clone()),
            None => Ok(file.insert(Arc::new(self.scratch.file()?)).clone()),
        }
    }

    /// Ends the input, once no intake is left.
    pub(in crate::sets) fn finish(self) -> SortedTokens {
        let partitions = self.partitions.into_iter();
        let partitions =
            partitions.map(|each| each.into_inner().unwrap_or_else(PoisonError::into_inner));
        SortedTokens::new(self.scratch, self.working, self.threads, partitions)
    }
}
