//! A set of ids from 1 to 65,535: vendors or sections.

use serde::{Serialize, Serializer};

/// A set of ids as ranges that are sorted and do not touch. Memory: four bytes a range, and a range takes at
/// least two bits of the string.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ids(Vec<(u16, u16)>);

impl Ids {
    /// The union of ranges, first and last id of each, in any order.
    pub fn from_ranges(mut ranges: Vec<(u16, u16)>) -> Ids {
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last)
                }
                _ => merged.push((first, last)),
            }
        }
        merged.shrink_to_fit();
        Ids(merged)
    }

    /// Whether `id` is in the set.
    pub fn contains(&self, id: u16) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= id);
        let before = after.checked_sub(1).and_then(|at| self.0.get(at));
        before.is_some_and(|(_, last)| id <= *last)
    }

    /// All ids, rising.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        let lengths = self.0.iter();
        lengths
            .map(|(first, last)| usize::from(last - first) + 1)
            .sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges, first and last id of each, rising.
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.0
    }
}

/// A list of all ids, rising.
impl Serialize for Ids {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
