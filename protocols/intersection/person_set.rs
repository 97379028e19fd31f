//! A set of the partner's persons.

use roaring::RoaringBitmap;

use super::Cardinality;

/// Persons of one partner upload, by their dense numbers, as a compressed bitmap: at most 1 bit per
/// person and far less when sparse. It can be asked about one person, for a delivery, and combined
/// with others; it cannot be printed, serialised, iterated or counted outside the release gate.
///
/// ```compile_fail,E0277
/// fn log(persons: &tamis_protocols::intersection::PersonSet) -> String {
///     format!("{persons:?}")
/// }
/// ```
/// ```compile_fail,E0277
/// fn send(persons: &tamis_protocols::intersection::PersonSet) -> serde_json::Result<String> {
///     serde_json::to_string(persons)
/// }
/// ```
#[derive(Clone, Default)]
pub struct PersonSet(RoaringBitmap);

impl PersonSet {
    /// Nobody.
    pub fn new() -> Self {
        PersonSet::default()
    }

    /// The persons whose bit is set: bit `n % 64` of word `n / 64` is person `n`. At most 2³²
    /// persons; words beyond are ignored.
    pub fn from_words(words: &[u64]) -> Self {
        // One container at a time, so that the copy in bytes stays at 8 KiB.
        const WORDS: usize = 1024;
        let mut set = RoaringBitmap::new();
        let mut bytes = Vec::with_capacity(WORDS * 8);
        for (chunk, words) in words.chunks(WORDS).enumerate().take(1 << 16) {
            bytes.clear();
            words
                .iter()
                .for_each(|word| bytes.extend(word.to_le_bytes()));
            let offset = (chunk as u32) << 16;
            set |= RoaringBitmap::from_lsb0_bytes(offset, &bytes);
        }
        PersonSet(set)
    }

    /// Whether the person is in the set.
    pub fn contains(&self, person: u32) -> bool {
        self.0.contains(person)
    }

    /// Adds everybody of `other`: results of parts of the token space are merged like this.
    pub fn union_with(&mut self, other: &PersonSet) {
        self.0 |= &other.0;
    }

    /// How many, for the release gate.
    pub fn cardinality(&self) -> Cardinality {
        Cardinality::new(self.0.len())
    }

    #[cfg(test)]
    pub(super) fn persons(&self) -> Vec<u32> {
        self.0.iter().collect()
    }
}
