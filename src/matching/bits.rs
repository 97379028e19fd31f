//! A plain bitmap: one bit per row or person, set by several threads at once.

use std::sync::atomic::{AtomicU64, Ordering};

/// `len` bits in `len / 8` bytes.
pub(super) struct Bits(Vec<AtomicU64>);

impl Bits {
    /// All clear.
    pub(super) fn new(len: u32) -> Self {
        let words = (len as usize).div_ceil(64);
        Bits((0..words).map(|_| AtomicU64::new(0)).collect())
    }

    /// Whether a bit is set; beyond the end none is.
    pub(super) fn get(&self, bit: u32) -> bool {
        self.word(bit as usize / 64) & (1 << (bit % 64)) != 0
    }

    /// Sets a bit; beyond the end nothing happens.
    pub(super) fn set(&self, bit: u32) {
        if let Some(word) = self.0.get(bit as usize / 64) {
            word.fetch_or(1 << (bit % 64), Ordering::Relaxed);
        }
    }

    /// One word; beyond the end it is 0.
    pub(super) fn word(&self, i: usize) -> u64 {
        self.0.get(i).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// Changes words by what stands in the same place here, from the `from`-th on.
    pub(super) fn apply(&self, from: usize, words: &mut [u64], change: impl Fn(u64, u64) -> u64) {
        for (at, word) in (from..).zip(words) {
            *word = change(*word, self.word(at));
        }
    }
}
