//! Room in memory that several threads share.

use std::sync::{Condvar, Mutex, PoisonError};

/// A number of bytes, taken and given back. Whoever wants more than there is waits.
pub(in crate::sets) struct Room {
    total: usize,
    free: Mutex<usize>,
    freed: Condvar,
}

/// Some of the room, given back when it is dropped.
pub(in crate::sets) struct Taken<'r> {
    room: &'r Room,
    bytes: usize,
}

impl Room {
    pub(in crate::sets) fn new(total: usize) -> Self {
        Room {
            total,
            free: Mutex::new(total),
            freed: Condvar::new(),
        }
    }

    /// All there is.
    pub(in crate::sets) fn total(&self) -> usize {
        self.total
    }

    /// Takes `bytes`, or all of it if they are more than all.
    pub(in crate::sets) fn take(&self, bytes: usize) -> Taken<'_> {
        let bytes = bytes.min(self.total);
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = self.freed.wait_while(free, |free| *free < bytes);
        *wait.unwrap_or_else(PoisonError::into_inner) -= bytes;
        Taken { room: self, bytes }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let free = self.room.free.lock();
        *free.unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.room.freed.notify_all();
    }
}
