//! A set of the partner's persons.

use roaring::RoaringBitmap;

use super::Cardinality;

/// Words of one container of the bitmap.
const CONTAINER: usize = (1 << 16) / 64;

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
        let mut set = PersonSet::new();
        for (first, words) in (0..1 << 16).zip(words.chunks(CONTAINER)) {
            set.add_words(first << 16, words);
        }
        set
    }

    /// Adds the persons whose bit is set: bit `n % 64` of word `n / 64` is person `first + n`. `first` is
    /// a multiple of 2¹⁶, and there are at most 1,024 words; others are ignored.
    pub fn add_words(&mut self, first: u32, words: &[u64]) {
        let words = &words[..words.len().min(CONTAINER)];
        let mut bytes = [0; 8 * CONTAINER];
        let places = bytes.as_chunks_mut().0.iter_mut();
        places
            .zip(words)
            .for_each(|(place, word)| *place = word.to_le_bytes());
        let first = first & !0xffff;
        self.0 |= RoaringBitmap::from_lsb0_bytes(first, &bytes[..8 * words.len()]);
    }

    /// Adds persons, best in ascending order and all beyond those that are there.
    pub fn add(&mut self, persons: &[u32]) {
        if self.0.append(persons.iter().copied()).is_err() {
            self.0.extend(persons);
        }
    }

    /// Whether the person is in the set.
    pub fn contains(&self, person: u32) -> bool {
        self.0.contains(person)
    }

    /// Adds everybody of `other`: results of parts of the token space are merged like this.
    pub fn union_with(&mut self, other: PersonSet) {
        self.0 |= other.0;
    }

    /// Those who are also in `other`.
    #[must_use]
    pub fn within(&self, other: &PersonSet) -> PersonSet {
        PersonSet(&self.0 & &other.0)
    }

    /// Those who are not in `other`.
    pub(crate) fn without(&self, other: &PersonSet) -> PersonSet {
        PersonSet(&self.0 - &other.0)
    }

    /// Whether everybody is also in `other`.
    pub fn is_within(&self, other: &PersonSet) -> bool {
        self.0.is_subset(&other.0)
    }

    /// How many, for the release gate.
    pub fn cardinality(&self) -> Cardinality {
        Cardinality::new(self.0.len())
    }

    /// One more than the highest person.
    pub(crate) fn bound(&self) -> usize {
        self.0.max().map_or(0, |person| person as usize + 1)
    }

    /// The persons, ascending, for tests of the release gate.
    #[cfg(test)]
    pub(crate) fn each(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter()
    }

    /// Visits the persons, ascending, for the release gate.
    pub(crate) fn visit(&self, mut visit: impl FnMut(u32)) {
        // Many at a time, or the step from one to the next costs more than the visit.
        let (mut persons, mut some) = (self.0.iter(), [0; 512]);
        loop {
            let some = persons.next_many(&mut some);
            if some.is_empty() {
                return;
            }
            some.iter().for_each(|person| visit(*person));
        }
    }

    /// Those who satisfy a condition, asked in ascending order.
    pub(crate) fn filtered(&self, mut keep: impl FnMut(u32) -> bool) -> PersonSet {
        // Bit by bit into one container at a time: the same steps whoever is kept.
        let mut kept = RoaringBitmap::new();
        let (mut bits, mut high) = (vec![0u8; 1 << 13], 0);
        self.visit(|person| {
            if person >> 16 != high {
                kept |= RoaringBitmap::from_lsb0_bytes(high << 16, &bits);
                bits.fill(0);
                high = person >> 16;
            }
            let low = (person & 0xffff) as usize;
            bits[low / 8] |= u8::from(keep(person)) << (low % 8);
        });
        kept |= RoaringBitmap::from_lsb0_bytes(high << 16, &bits);
        PersonSet(kept)
    }

    /// Everybody under the numbers that `number` hands over for them.
    pub(crate) fn renumbered(&self, mut number: impl FnMut(u32, &mut dyn FnMut(u32))) -> PersonSet {
        let mut set = RoaringBitmap::new();
        for person in &self.0 {
            number(person, &mut |new| {
                set.insert(new);
            });
        }
        PersonSet(set)
    }

    /// The portable roaring format, for persons that were released.
    pub(crate) fn to_stored(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.serialized_size());
        // Writing to memory does not fail.
        let _ = self.0.serialize_into(&mut bytes);
        bytes
    }

    /// What [`PersonSet::to_stored`] wrote, and nothing behind it.
    pub(crate) fn from_stored(bytes: &[u8]) -> std::io::Result<PersonSet> {
        let mut rest = bytes;
        let set = RoaringBitmap::deserialize_from(&mut rest)?;
        match rest.is_empty() {
            true => Ok(PersonSet(set)),
            false => Err(std::io::ErrorKind::InvalidData.into()),
        }
    }

    #[cfg(test)]
    pub(super) fn persons(&self) -> Vec<u32> {
        self.0.iter().collect()
    }
}
