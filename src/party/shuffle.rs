//! Hides the order of a file: rows leave in another order than they came.
//!
//! A window of [`WINDOW`] rows is kept; when it is full it is shuffled (Fisher–Yates) and half of it
//! leaves, so a row may travel arbitrarily far. What the order still tells: roughly in which part of a
//! large file a row was, within about a window. Memory: the window, about 64 MiB of usual rows.

use tamis_keys::Entropy;

/// Rows kept; a file of at most this many rows leaves in uniformly random order.
pub const WINDOW: usize = 1 << 17;

/// Random indices are drawn in portions of this many, eight bytes each.
const PORTION: usize = 4_096;

/// A window of rows.
pub struct Shuffler<'a, T> {
    window: Vec<T>,
    limit: usize,
    entropy: &'a dyn Entropy,
}

impl<'a, T> Shuffler<'a, T> {
    /// Keeps up to `limit` rows (at least 2; [`WINDOW`] but in tests).
    pub fn new(limit: usize, entropy: &'a dyn Entropy) -> Shuffler<'a, T> {
        Shuffler {
            window: Vec::new(),
            limit: limit.max(2),
            entropy,
        }
    }

    /// Takes a row; gives half a window of rows whenever it is full.
    pub fn push(&mut self, row: T) -> Option<Vec<T>> {
        self.window.push(row);
        if self.window.len() < self.limit {
            return None;
        }
        self.shuffle();
        Some(self.window.split_off(self.limit / 2))
    }

    /// The rows that are left.
    pub fn finish(mut self) -> Vec<T> {
        self.shuffle();
        self.window
    }

    /// Fisher–Yates. An index is the high half of a 64-bit random number times the range: its bias is
    /// under 2^-46 for a window.
    fn shuffle(&mut self) {
        let mut random = vec![0; 8 * PORTION.min(self.window.len())];
        let mut left: &[u8] = &[];
        for last in (1..self.window.len()).rev() {
            if left.is_empty() {
                self.entropy.fill(&mut random);
                left = &random;
            }
            let Some((number, rest)) = left.split_first_chunk::<8>() else {
                return;
            };
            left = rest;
            let range = last as u128 + 1;
            let index = (u128::from(u64::from_le_bytes(*number)) * range) >> 64;
            self.window.swap(last, index as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::party::testing::Seeded;

    #[test]
    fn every_row_leaves_exactly_once_and_in_another_order() {
        let entropy = Seeded::new(7);
        let mut shuffler = Shuffler::new(1_000, &entropy);
        let mut out = Vec::new();
        for row in 0..10_500_u32 {
            out.extend(shuffler.push(row).into_iter().flatten());
        }
        out.extend(shuffler.finish());
        assert_ne!(out[..500], (0..500).collect::<Vec<_>>()[..]);
        out.sort_unstable();
        assert_eq!(out, (0..10_500).collect::<Vec<_>>());
    }

    #[test]
    fn the_place_of_a_row_says_nothing_within_a_window() {
        // The attack: guess that the first row out was the first row in.
        let mut first_out = [0_u32; 8];
        for seed in 0..4_000 {
            let entropy = Seeded::new(seed);
            let mut shuffler = Shuffler::new(16, &entropy);
            (0..8_usize).for_each(|row| drop(shuffler.push(row)));
            first_out[shuffler.finish()[0]] += 1;
        }
        for count in first_out {
            assert!((400..600).contains(&count), "{first_out:?}");
        }
    }
}
