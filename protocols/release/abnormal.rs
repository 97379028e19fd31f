//! Match rates that the operator should look at: an upload of garbage, or of everybody.

use crate::intersection::Cardinality;

/// From where on a match rate is abnormal. What is abnormal is answered like everything else, and not
/// delivered before the operator has looked at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abnormal {
    /// Matched persons in percent of the advertiser's rows; above is abnormal.
    pub rows_percent: u8,
    /// Matched persons in percent of the partner's persons; above is abnormal.
    pub persons_percent: u8,
}

impl Default for Abnormal {
    /// More than 95 % of the rows, or 60 % of the partner's persons.
    fn default() -> Self {
        Abnormal {
            rows_percent: 95,
            persons_percent: 60,
        }
    }
}

impl Abnormal {
    /// Whether so many matched persons of so many rows and persons are. The answer is for the operator
    /// alone.
    pub fn is(&self, matched: &Cardinality, rows: u64, persons: u64) -> bool {
        let above = |percent: u8, of: u64| {
            u128::from(matched.raw()) * 100 > u128::from(percent) * u128::from(of)
        };
        above(self.rows_percent, rows) | above(self.persons_percent, persons)
    }
}
