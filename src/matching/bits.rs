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
        self.add(bit as usize / 64, 1 << (bit % 64));
    }

    /// Sets the bits of a word; beyond the end nothing happens.
    pub(super) fn add(&self, word: usize, bits: u64) {
        if let Some(word) = self.0.get(word) {
            word.fetch_or(bits, Ordering::Relaxed);
        }
    }

    /// Clears a bit, and says whether it was set.
    pub(super) fn take(&self, bit: u32) -> bool {
        let (word, bit) = (bit as usize / 64, 1 << (bit % 64));
        let word = self.0.get(word);
        word.is_some_and(|word| word.fetch_and(!bit, Ordering::Relaxed) & bit != 0)
    }

    /// The words, combined one by one with those of other bitmaps of the same length.
    pub(super) fn words(&self, combine: impl Fn(usize, u64) -> u64) -> Vec<u64> {
        let words = self.0.iter().map(|word| word.load(Ordering::Relaxed));
        words
            .enumerate()
            .map(|(i, word)| combine(i, word))
            .collect()
    }

    /// One word; beyond the end it is 0.
    pub(super) fn word(&self, i: usize) -> u64 {
        self.0.get(i).map_or(0, |word| word.load(Ordering::Relaxed))
    }
}
