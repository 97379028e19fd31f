//! Sorting more records than fit in memory, without a clear byte on the disk.
//!
//! Records have one length and are ordered by their first 20 bytes: a token or tag, and a row number
//! (big-endian). They are partitioned by the first byte; full partition buffers are spilled, encrypted,
//! to one temporary file; then one partition after the other is loaded, sorted and handed out. Tokens
//! are uniformly random, so partitions are alike; where a hostile sender makes one larger than the
//! budget, it is sorted in pieces and merged.
//!
//! Memory: the budget, whatever the number and the skew of the records, plus 16 bytes per spilled
//! block (256 KiB at the default budget) of bookkeeping.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};

use tamis_keys::Secret;
use tamis_keys::envelope::BlockCipher;
use tamis_keys::purpose::Data;

use super::super::block::FileNonce;
use super::super::spill::Spill;
use super::{PARTITIONS, SetError};

/// Bytes of a record that order it.
const KEY: usize = 20;

/// Order of a record: token, row.
type Key = (u128, u32);

/// Collects records.
pub(in crate::sets) struct Sorter {
    record: usize,
    buffer: usize,
    piece: usize,
    partitions: Vec<Vec<u8>>,
    spill: Spill,
    runs: Spill,
}

impl Sorter {
    /// A sorter of records of `record` bytes (at least 20) with about `memory` bytes of budget.
    /// Temporary files are made beside `path`, under a subkey of `key` for `context` and `nonce`.
    pub(in crate::sets) fn new(
        path: &Path,
        key: &Secret<Data>,
        context: &str,
        nonce: &FileNonce,
        record: usize,
        memory: usize,
    ) -> Self {
        let buffer = (memory / 4 / PARTITIONS / record).max(8) * record;
        // A piece is its records, and 32 bytes of key for each.
        let piece = (memory / 2 / (record + 32)).max(64) * record;
        let run_block = (16 << 10) / record * record;
        let spill = |suffix: &str, lists, block| {
            let context = format!("{context}/{suffix}/{}", hex::encode(nonce));
            Spill::new(with_suffix(path, suffix), key, &context, lists, block)
        };
        Sorter {
            record,
            buffer,
            piece,
            partitions: (0..PARTITIONS).map(|_| Vec::new()).collect(),
            spill: spill("spill", PARTITIONS, buffer),
            runs: spill("runs", 0, run_block.max(record)),
        }
    }

    /// Adds a record.
    pub(in crate::sets) fn push(&mut self, record: &[u8]) -> Result<(), SetError> {
        let partition = usize::from(record[0]);
        let buffer = &mut self.partitions[partition];
        if buffer.capacity() - buffer.len() < record.len() {
            // Grows by doubling, but never past a full block and its tag.
            let wanted = (buffer.len() * 2 + record.len()).min(self.buffer);
            buffer.reserve_exact(wanted + BlockCipher::OVERHEAD - buffer.len());
        }
        buffer.extend_from_slice(record);
        if buffer.len() + self.record > self.buffer {
            self.spill.put(partition, buffer)?;
        }
        Ok(())
    }

    /// Ends the input; the records come out in order.
    pub(in crate::sets) fn finish(self) -> Sorted {
        Sorted {
            sorter: self,
            partition: 0,
            data: Vec::new(),
            order: Vec::new(),
            at: 0,
            merge: None,
        }
    }
}

/// Hands the records out in order.
pub(in crate::sets) struct Sorted {
    sorter: Sorter,
    /// The next partition to load.
    partition: usize,
    data: Vec<u8>,
    order: Vec<(u128, u32, u32)>,
    at: usize,
    merge: Option<Merge>,
}

impl Sorted {
    /// The next record.
    pub(in crate::sets) fn next(&mut self) -> Result<Option<&[u8]>, SetError> {
        loop {
            if let Some(merge) = &mut self.merge {
                if merge.advance(&mut self.sorter.runs, self.sorter.record)? {
                    break;
                }
                self.merge = None;
            }
            if self.at < self.order.len() || !self.load()? {
                break;
            }
        }
        if let Some(merge) = &self.merge {
            return Ok(Some(&merge.current));
        }
        let Some((.., index)) = self.order.get(self.at) else {
            return Ok(None);
        };
        self.at += 1;
        let start = *index as usize * self.sorter.record;
        Ok(Some(&self.data[start..start + self.sorter.record]))
    }

    /// Loads and sorts the next partition; `false` at the end.
    fn load(&mut self) -> Result<bool, SetError> {
        self.order.clear();
        self.at = 0;
        if self.partition == PARTITIONS {
            return Ok(false);
        }
        let partition = self.partition;
        self.partition += 1;
        let rest = std::mem::take(&mut self.sorter.partitions[partition]);
        self.data.clear();
        let mut runs = 0;
        for block in 0..self.sorter.spill.blocks(partition) {
            if self.data.len() + self.sorter.buffer > self.sorter.piece {
                self.write_run(runs)?;
                runs += 1;
            }
            self.sorter.spill.get(partition, block, &mut self.data)?;
        }
        self.data.extend_from_slice(&rest);
        if runs == 0 {
            self.sort();
            return Ok(true);
        }
        self.write_run(runs)?;
        self.merge = Some(Merge::new(
            runs + 1,
            &mut self.sorter.runs,
            self.sorter.record,
        )?);
        Ok(true)
    }

    fn sort(&mut self) {
        self.order.clear();
        let records = self.data.chunks_exact(self.sorter.record).enumerate();
        self.order.extend(records.map(|(index, record)| {
            let (token, row) = key(record);
            (token, row, index as u32)
        }));
        self.order.sort_unstable();
    }

    fn write_run(&mut self, run: usize) -> Result<(), SetError> {
        self.sort();
        let record = self.sorter.record;
        self.sorter.runs.start_list(run);
        let mut block = Vec::new();
        for (.., index) in &self.order {
            let start = *index as usize * record;
            block.extend_from_slice(&self.data[start..start + record]);
            if block.len() + record > self.sorter.runs.block_length() {
                self.sorter.runs.put(run, &mut block)?;
            }
        }
        if !block.is_empty() {
            self.sorter.runs.put(run, &mut block)?;
        }
        self.data.clear();
        self.order.clear();
        Ok(())
    }
}

/// A k-way merge of the sorted pieces of one partition.
struct Merge {
    runs: Vec<Run>,
    heap: BinaryHeap<Reverse<(Key, usize)>>,
    current: Vec<u8>,
}

struct Run {
    next_block: usize,
    data: Vec<u8>,
    at: usize,
}

impl Merge {
    fn new(runs: usize, spill: &mut Spill, record: usize) -> Result<Self, SetError> {
        let mut merge = Merge {
            runs: Vec::with_capacity(runs),
            heap: BinaryHeap::with_capacity(runs),
            current: Vec::new(),
        };
        for run in 0..runs {
            merge.runs.push(Run {
                next_block: 0,
                data: Vec::new(),
                at: 0,
            });
            merge.queue(run, spill, record)?;
        }
        Ok(merge)
    }

    fn advance(&mut self, spill: &mut Spill, record: usize) -> Result<bool, SetError> {
        let Some(Reverse((_, run))) = self.heap.pop() else {
            return Ok(false);
        };
        let source = &mut self.runs[run];
        self.current.clear();
        self.current
            .extend_from_slice(&source.data[source.at..source.at + record]);
        source.at += record;
        self.queue(run, spill, record)?;
        Ok(true)
    }

    fn queue(&mut self, run: usize, spill: &mut Spill, record: usize) -> Result<(), SetError> {
        let source = &mut self.runs[run];
        if source.at == source.data.len() {
            if source.next_block == spill.blocks(run) {
                source.data = Vec::new();
                return Ok(());
            }
            source.data.clear();
            source.at = 0;
            spill.get(run, source.next_block, &mut source.data)?;
            source.next_block += 1;
        }
        let key = key(&source.data[source.at..source.at + record]);
        self.heap.push(Reverse((key, run)));
        Ok(())
    }
}

fn key(record: &[u8]) -> Key {
    let mut bytes = [0; KEY];
    bytes.copy_from_slice(&record[..KEY]);
    let (token, row) = (bytes.first_chunk(), bytes.last_chunk());
    (
        token.map_or(0, |token| u128::from_be_bytes(*token)),
        row.map_or(0, |row| u32::from_be_bytes(*row)),
    )
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}
