//! How many values of a column repeat an earlier one, in bounded memory.
//!
//! Keeps eight bytes of a keyed hash per value, at most [`LIMIT`] of them (32 MiB a column). Up to that
//! many values the count is exact, save for collisions (one in 2^64 a pair). Beyond, only hashes below a
//! falling threshold are kept: a sample by *value*, so that repetitions stay together, scaled up.

use tamis_keys::Entropy;
use tamis_protocols::identifier::IdentifierDigest;

/// Hashes kept, at most.
pub const LIMIT: usize = 4 << 20;

/// The key of the hashes: fresh for every file, so that nothing can be looked up in them. Each half of a
/// digest is folded with a key; digests are uniformly random already, and neither keys nor hashes leave the
/// process.
#[derive(Clone, Copy, Default)]
pub struct HashKey([u64; 4]);

impl HashKey {
    /// A fresh key.
    pub fn new(entropy: &dyn Entropy) -> HashKey {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        HashKey(words(&bytes))
    }

    /// Eight bytes for a digest.
    pub fn hash(&self, digest: &IdentifierDigest) -> u64 {
        let [a, b, c, d] = words(digest.as_bytes());
        let fold = |one: u64, other: u64| {
            let product = u128::from(one) * u128::from(other);
            product as u64 ^ (product >> 64) as u64
        };
        fold(a ^ self.0[0], b ^ self.0[1]) ^ fold(c ^ self.0[2], d ^ self.0[3])
    }
}

fn words(bytes: &[u8; 32]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, eight) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word = u64::from_le_bytes(*eight);
    }
    words
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
    use crate::party::testing::Seeded;

    fn hash(value: u64) -> u64 {
        let key = HashKey::new(&Seeded::new(5));
        key.hash(&IdentifierDigest::of(&value.to_string()))
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
