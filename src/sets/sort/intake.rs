//! What one thread has read and not yet handed over.

use super::{PARTITIONS, Record, SetError, TokenSorter};

/// Partitions the records of one thread. Few cache lines are written at a time, however many records.
pub(in crate::sets) struct Intake<'s> {
    sorter: &'s TokenSorter,
    buffers: Vec<Vec<Record>>,
    bytes: Vec<u8>,
}

impl TokenSorter {
    /// A new intake; its records belong to the sorter once [`Intake::finish`] was called.
    pub(in crate::sets) fn intake(&self) -> Intake<'_> {
        Intake {
            sorter: self,
            buffers: (0..PARTITIONS).map(|_| Vec::new()).collect(),
            bytes: Vec::new(),
        }
    }
}

impl Intake<'_> {
    /// Adds a record.
    #[inline]
    pub(in crate::sets) fn push(&mut self, record: Record) -> Result<(), SetError> {
        let partition = (record.words()[0] >> 56) as usize;
        let buffer = &mut self.buffers[partition];
        buffer.push(record);
        match buffer.len() < self.sorter.buffer {
            true => Ok(()),
            false => self.sorter.put(partition, buffer, &mut self.bytes),
        }
    }

    /// Hands over what is left.
    pub(in crate::sets) fn finish(self) {
        for (partition, buffer) in self.buffers.into_iter().enumerate() {
            self.sorter.keep(partition, buffer);
        }
    }
}
