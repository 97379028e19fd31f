//! What the records of an upload are, in counts: for the report of an auditor, and for the owner.
//!
//! Exact, so it is for the owner and for what suppresses small cells. Memory: a bounded number of values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tamis_protocols::consent::{ConsentRecord, DropReason, shape_of};

/// Values that are told of one field; the rest is `other`.
const TOLD: usize = 64;
/// Values that are counted while an upload is read.
const MOST: usize = 4096;
/// The first month of every bucket of ages but the first, which begins with 0.
const MONTHS: [i64; 5] = [3, 6, 13, 25, 37];
const DAY: i64 = 86_400;

/// Rows by the value of one field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// Rows of the most frequent values, at most 64.
    pub values: BTreeMap<String, u64>,
    /// Rows with other values.
    pub other: u64,
    /// Rows that do not say.
    pub none: u64,
}

/// Rows of an upload by what their consent records say, accepted or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tallies {
    /// All rows.
    pub rows: u64,
    /// By basis, in the words of files.
    pub basis: Counted,
    /// By purpose number; a row counts for each that it covers.
    pub purpose: Counted,
    /// By place of collection.
    pub source: Counted,
    /// By version of the notice.
    pub notice_version: Counted,
    /// By jurisdiction.
    pub jurisdiction: Counted,
    /// By age on the day of sealing, in months of 30.4375 days: `0-2`, `3-5`, `6-12`, `13-24`, `25-36`, `37-`;
    /// `future`.
    pub age_months: Counted,
    /// By why they were left out; `none`: they were not.
    pub dropped: Counted,
}

/// Counting, on one thread or of all.
#[derive(Default)]
pub(in crate::sets) struct Tallying {
    tallies: Tallies,
    ages: [u64; MONTHS.len() + 1],
    future: u64,
}

impl Tallying {
    /// Counts the age of one record on a day that begins at `today`; both in seconds since 1970.
    pub(in crate::sets) fn age(&mut self, at: Option<i64>, today: i64) {
        let Some(at) = at else {
            self.tallies.age_months.none += 1;
            return;
        };
        let days = today
            .saturating_add(DAY - 1)
            .saturating_sub(at)
            .div_euclid(DAY);
        if days < 0 {
            self.future += 1;
            return;
        }
        let months = days.saturating_mul(16) / 487;
        self.ages[MONTHS.partition_point(|first| *first <= months)] += 1;
    }

    /// Counts `rows` records of one shape.
    pub(in crate::sets) fn shape(&mut self, shape: &[u8], rows: u64) {
        // What is not a record is none of ours, and says nothing.
        let record = shape_of(shape).unwrap_or_else(|_| ConsentRecord::default());
        let all = &mut self.tallies;
        all.rows += rows;
        count(
            &mut all.basis,
            record.basis.map(|basis| basis.as_str()),
            rows,
        );
        count(&mut all.source, record.source.as_deref(), rows);
        count(
            &mut all.notice_version,
            record.notice_version.as_deref(),
            rows,
        );
        let jurisdiction = record.details().jurisdiction.as_deref();
        count(&mut all.jurisdiction, jurisdiction, rows);
        let mut any = false;
        for purpose in (1..=32).filter(|number| record.purposes.contains(*number)) {
            any = true;
            count(&mut all.purpose, Some(&purpose.to_string()), rows);
        }
        if !any {
            all.purpose.none += rows;
        }
    }

    /// Adds what another thread counted.
    pub(in crate::sets) fn add(&mut self, other: Tallying) {
        let (all, more) = (&mut self.tallies, other.tallies);
        all.rows += more.rows;
        for (one, more) in [
            (&mut all.basis, more.basis),
            (&mut all.purpose, more.purpose),
            (&mut all.source, more.source),
            (&mut all.notice_version, more.notice_version),
            (&mut all.jurisdiction, more.jurisdiction),
            (&mut all.age_months, more.age_months),
        ] {
            one.other += more.other;
            one.none += more.none;
            for (value, rows) in more.values {
                count(one, Some(&value), rows);
            }
        }
        for (sum, rows) in self.ages.iter_mut().zip(other.ages) {
            *sum += rows;
        }
        self.future += other.future;
    }

    /// What is told, with the rows that were left out.
    pub(in crate::sets) fn finish(self, dropped: &BTreeMap<DropReason, u64>) -> Tallies {
        let mut all = self.tallies;
        for (reason, rows) in dropped {
            count(&mut all.dropped, Some(reason.as_str()), *rows);
        }
        let left = dropped.values().sum();
        all.dropped.none = all.rows.saturating_sub(left);
        for (bucket, rows) in self
            .ages
            .into_iter()
            .enumerate()
            .filter(|(_, rows)| *rows > 0)
        {
            let first = bucket.checked_sub(1).map_or(0, |before| MONTHS[before]);
            let name = match MONTHS.get(bucket) {
                Some(next) => format!("{first}-{}", next - 1),
                None => format!("{first}-"),
            };
            count(&mut all.age_months, Some(&name), rows);
        }
        if self.future > 0 {
            count(&mut all.age_months, Some("future"), self.future);
        }
        for one in [
            &mut all.source,
            &mut all.notice_version,
            &mut all.jurisdiction,
        ] {
            tell(one);
        }
        all
    }
}

fn count(counted: &mut Counted, value: Option<&str>, rows: u64) {
    match value {
        None => counted.none += rows,
        Some(value) => {
            let full = counted.values.len() >= MOST;
            match counted.values.get_mut(value) {
                Some(sum) => *sum += rows,
                None if full => counted.other += rows,
                None => {
                    counted.values.insert(value.to_owned(), rows);
                }
            }
        }
    }
}

/// Keeps the most frequent values, of equal ones the first in their order.
fn tell(counted: &mut Counted) {
    if counted.values.len() <= TOLD {
        return;
    }
    let mut values: Vec<_> = std::mem::take(&mut counted.values).into_iter().collect();
    values.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    let rest: u64 = values.drain(TOLD..).map(|(_, rows)| rows).sum();
    counted.other += rest;
    counted.values = values.into_iter().collect();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use tamis_protocols::consent::{Basis, Purposes, part};

    use super::*;

    fn shape(source: &str) -> Vec<u8> {
        let record = ConsentRecord {
            basis: Some(Basis::Consent),
            purposes: Purposes(0b1101),
            source: Some(source.to_owned()),
            ..ConsentRecord::default()
        };
        let mut shape = Vec::new();
        part(&record, &record.to_bytes(), &mut shape);
        shape
    }

    #[test]
    fn a_field_tells_its_most_frequent_values_and_counts_the_rest() {
        let mut all = Tallying::default();
        let mut some = Tallying::default();
        for number in 0..100 {
            some.shape(&shape(&format!("form {number:02}")), 100 - number);
        }
        all.shape(&shape("form 99"), 1_000);
        all.add(some);
        let told = all.finish(&BTreeMap::from([(DropReason::TooOld, 50)]));
        assert_eq!(told.rows, 6_050);
        assert_eq!(told.source.values.len(), 64);
        assert_eq!(told.source.values["form 99"], 1_001);
        assert!(!told.source.values.contains_key("form 98"));
        let rest = told.source.other + told.source.values.values().sum::<u64>();
        assert_eq!(rest, 6_050);
        assert_eq!(told.purpose.values["3"], 6_050);
        assert_eq!(told.basis.values["consent"], 6_050);
        assert_eq!(told.jurisdiction.none, 6_050);
        assert_eq!(told.dropped.values["too_old"], 50);
        assert_eq!(told.dropped.none, 6_000);
    }

    #[test]
    fn ages_are_told_in_buckets_of_months() {
        let today = 20_000 * DAY;
        let mut all = Tallying::default();
        for days in [0, 91, 92, 182, 183, 395, 396, 760, 761, 1_126, 1_127, 9_000] {
            all.age(Some(today - days * DAY), today);
        }
        all.age(Some(today + DAY), today);
        all.age(None, today);
        all.age(Some(i64::MIN), today);
        let ages = all.finish(&BTreeMap::new()).age_months;
        let told: Vec<_> = ages
            .values
            .iter()
            .map(|(name, n)| (name.as_str(), *n))
            .collect();
        let expected = [
            ("0-2", 2),
            ("13-24", 2),
            ("25-36", 2),
            ("3-5", 2),
            ("37-", 3),
            ("6-12", 2),
            ("future", 1),
        ];
        assert_eq!(told, expected);
        assert_eq!(ages.none, 1);
    }
}
