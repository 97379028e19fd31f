//! Hides the order of a file: rows leave in another order than they came.
//!
//! A window of [`WINDOW`] rows is kept; when it is full a random half of it leaves in random order
//! (Fisher–Yates), so a row may travel arbitrarily far. What the order still tells: roughly in which part
//! of a large file a row was, within about a window. A row stays where it was put, only its place in the
//! order is drawn; rows that come take the places of rows that left. Memory: the window, about 32 MiB of
//! usual rows.

use tamis_keys::Entropy;

/// Rows kept; a file of at most this many rows leaves in uniformly random order.
pub const WINDOW: usize = 1 << 17;

/// Random indices are drawn in portions of this many, eight bytes each.
const PORTION: usize = 4_096;

/// A window of rows.
pub struct Shuffler<'a, T> {
    rows: Vec<T>,
    /// The places of all rows, first of those that left.
    order: Vec<u32>,
    left: usize,
    limit: usize,
    entropy: &'a dyn Entropy,
}

/// Rows in the order in which they leave.
pub struct Leaving<'a, T> {
    rows: &'a [T],
    order: &'a [u32],
}

impl<'a, T> Leaving<'a, T> {
    /// How many leave.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Parts of at most `share` rows (at least 1), in order.
    pub fn shares(&self, share: usize) -> impl Iterator<Item = Leaving<'a, T>> + use<'a, T> {
        let rows = self.rows;
        let part = move |order| Leaving { rows, order };
        self.order.chunks(share.max(1)).map(part)
    }

    /// The rows.
    pub fn iter(&self) -> impl Iterator<Item = &'a T> + use<'a, T> {
        let rows = self.rows;
        self.order
            .iter()
            .filter_map(|place| rows.get(*place as usize))
    }
}

impl<'a, T> Shuffler<'a, T> {
    /// Keeps up to `limit` rows (2 to 2^32; [`WINDOW`] but in tests).
    pub fn new(limit: usize, entropy: &'a dyn Entropy) -> Shuffler<'a, T> {
        Shuffler {
            rows: Vec::new(),
            order: Vec::new(),
            left: 0,
            limit: limit.max(2),
            entropy,
        }
    }

    /// Takes a row; whether the window is full now, and [`Shuffler::half`] must leave before the next row.
    pub fn push(&mut self, row: T) -> bool {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.rows[self.order[left] as usize] = row;
            }
            None => {
                self.order.push(self.rows.len() as u32);
                self.rows.push(row);
            }
        }
        self.left == 0 && self.rows.len() >= self.limit
    }

    /// A random half of a full window.
    pub fn half(&mut self) -> Leaving<'_, T> {
        self.leave(self.rows.len().div_ceil(2))
    }

    /// The rows that are there still, and none after them.
    pub fn all(&mut self) -> Leaving<'_, T> {
        self.leave(self.rows.len() - self.left)
    }

    /// Fisher–Yates, of as many rows as leave. An index is the high half of a 64-bit random number times the
    /// range: its bias is under 2^-46 for a window.
    fn leave(&mut self, count: usize) -> Leaving<'_, T> {
        let (start, end) = (self.left, self.left + count);
        let mut random = vec![0; 8 * PORTION.min(count)];
        let mut unused: &[u8] = &[];
        for place in start..end {
            if unused.is_empty() {
                self.entropy.fill(&mut random);
                unused = &random;
            }
            let Some((number, rest)) = unused.split_first_chunk::<8>() else {
                break;
            };
            unused = rest;
            let range = (self.order.len() - place) as u128;
            let index = (u128::from(u64::from_le_bytes(*number)) * range) >> 64;
            self.order.swap(place, place + index as usize);
        }
        self.left = end;
        Leaving {
            rows: &self.rows,
            order: &self.order[start..end],
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::party::testing::Seeded;

    #[test]
    fn every_row_leaves_exactly_once_and_in_another_order() {
        let entropy = Seeded::new(7);
        let mut shuffler = Shuffler::new(1_000, &entropy);
        let mut out: Vec<u32> = Vec::new();
        for row in 0..10_500_u32 {
            if shuffler.push(row) {
                out.extend(shuffler.half().iter());
            }
        }
        out.extend(shuffler.all().iter());
        assert_eq!(shuffler.all().len(), 0);
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
            (0..8_usize).for_each(|row| assert!(!shuffler.push(row)));
            first_out[*shuffler.all().iter().next().unwrap()] += 1;
        }
        for count in first_out {
            assert!((400..600).contains(&count), "{first_out:?}");
        }
    }

    #[test]
    fn the_place_of_a_row_says_nothing_when_half_of_a_window_leaves_either() {
        let mut first_out = [0_u32; 8];
        for seed in 0..4_000 {
            let entropy = Seeded::new(seed);
            let mut shuffler = Shuffler::new(8, &entropy);
            (0..8_usize).for_each(|row| assert_eq!(shuffler.push(row), row == 7));
            first_out[*shuffler.half().iter().next().unwrap()] += 1;
        }
        for count in first_out {
            assert!((400..600).contains(&count), "{first_out:?}");
        }
    }
}
