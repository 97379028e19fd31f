//! How many values of a column repeat an earlier one, in bounded memory.
//!
//! Keeps eight bytes of a keyed hash per value, at most [`LIMIT`] of them (32 MiB a column). Up to that
//! many values the count is exact, save for collisions (one in 2^64 a pair). Beyond, only hashes below a
//! falling threshold are kept: a sample by *value*, so that repetitions stay together, scaled up.

use sha2::{Digest, Sha256};
use tamis_protocols::identifier::IdentifierDigest;

/// Hashes kept, at most.
pub const LIMIT: usize = 4 << 20;

/// The key of the hashes: fresh for every file, so that nothing can be looked up in them.
#[derive(Clone, Copy)]
pub struct HashKey(pub [u8; 16]);

impl HashKey {
    /// Eight bytes of SHA-256(key ‖ digest); both have a fixed length.
    pub fn hash(&self, digest: &IdentifierDigest) -> u64 {
        let hash = Sha256::new()
            .chain_update(self.0)
            .chain_update(digest.as_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        let mut first = [0; 8];
        first.copy_from_slice(&hash[..8]);
        u64::from_be_bytes(first)
    }
}

/// Counts repeated values of a column.
pub struct Duplicates {
    kept: Vec<u64>,
    limit: usize,
    /// Only hashes whose `halvings` highest bits are zero are kept.
    halvings: u32,
}

/// A count of repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// Values that repeat an earlier one.
    pub values: u64,
    /// Whether the count was scaled up from a sample.
    pub estimated: bool,
}

impl Duplicates {
    /// Counts exactly up to `limit` values (at least 2; [`LIMIT`] but in tests).
    pub fn new(limit: usize) -> Duplicates {
        Duplicates {
            kept: Vec::new(),
            limit: limit.max(2),
            halvings: 0,
        }
    }

    /// Takes the hash of one value.
    pub fn push(&mut self, hash: u64) {
        while self.kept.len() >= self.limit && self.halvings < 63 {
            self.halvings += 1;
            let halvings = self.halvings;
            self.kept.retain(|hash| hash.leading_zeros() >= halvings);
        }
        if hash.leading_zeros() >= self.halvings && self.kept.len() < self.limit {
            self.kept.push(hash);
        }
    }

    /// The count.
    pub fn finish(mut self) -> Repeated {
        self.kept.sort_unstable();
        let all = self.kept.len();
        self.kept.dedup();
        let repeated = (all - self.kept.len()) as u64;
        Repeated {
            values: repeated.saturating_mul(1 << self.halvings),
            estimated: self.halvings > 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(value: u64) -> u64 {
        value
            .wrapping_add(1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(23)
            .wrapping_mul(0xd6e8_feb8_6659_fd93)
    }

    #[test]
    fn repetitions_are_counted_exactly_up_to_the_limit() {
        let mut duplicates = Duplicates::new(1_000);
        (0..900_u64).for_each(|value| duplicates.push(hash(value % 600)));
        let exact = Repeated {
            values: 300,
            estimated: false,
        };
        assert_eq!(duplicates.finish(), exact);
    }

    #[test]
    fn beyond_the_limit_memory_stays_and_the_count_is_close() {
        let mut duplicates = Duplicates::new(4_096);
        (0..200_000_u64).for_each(|value| duplicates.push(hash(value % 150_000)));
        assert!(duplicates.kept.len() <= 4_096);
        let repeated = duplicates.finish();
        assert!(repeated.estimated);
        assert!((40_000..60_000).contains(&repeated.values), "{repeated:?}");
    }
}
