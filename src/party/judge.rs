//! The verdict of the terms on a row's consent, the usual one first.
//!
//! Nearly every row is let in, and whether its date is recent enough is a comparison with two instants that
//! are the same for the whole file. They come from the rule itself; whatever is not plainly let in the rule
//! judges.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use tamis_protocols::consent::{ConsentRecord, ConsentRule, Destinations, DropReason};

/// Days looked back for the oldest consent that counts: more than any terms take.
const MOST_DAYS: i64 = 1 << 17;

/// A rule on a day.
pub struct Judge<'a> {
    rule: &'a ConsentRule,
    /// Those of the terms.
    destinations: Destinations,
    as_of: Date,
    /// Consent given from the first instant on and before the second is of an age that the rule takes.
    recent: Option<(Timestamp, Timestamp)>,
}

impl<'a> Judge<'a> {
    /// The rule's verdicts on the day `as_of`, for the destinations of the terms.
    pub fn new(rule: &'a ConsentRule, destinations: Destinations, as_of: Date) -> Judge<'a> {
        Judge {
            rule,
            destinations,
            as_of,
            recent: recent(rule, as_of),
        }
    }

    /// Whether a row with this consent may take part, or why not.
    pub fn verdict(&self, record: &ConsentRecord) -> Result<(), DropReason> {
        let recent = |at: Timestamp| {
            let between = |(from, until): (Timestamp, Timestamp)| from <= at && at < until;
            self.recent.is_some_and(between)
        };
        let let_in = !record.opposed
            && record.more.is_none()
            && self.rule.is_plain()
            && record
                .basis
                .is_some_and(|basis| self.rule.bases.contains(&basis))
            && record.purposes.contains_all(&self.rule.purposes)
            && record.given_at.is_some_and(recent);
        match let_in {
            true => Ok(()),
            false => {
                let judged = self.rule.judge(record, &self.destinations, self.as_of);
                judged.map(drop)
            }
        }
    }
}

/// The instants between which the rule takes the age of a consent. Older ones are never taken again, so
/// the first day that is taken is found by halving.
fn recent(rule: &ConsentRule, as_of: Date) -> Option<(Timestamp, Timestamp)> {
    let midnight = |date: Date| Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok();
    let back = |days: i64| {
        as_of
            .checked_sub(jiff::Span::new().try_days(days).ok()?)
            .ok()
    };
    // What else the rule asks for makes no consent older.
    let rule = &ConsentRule {
        jurisdictions: Vec::new(),
        notices: Vec::new(),
        recipients_named: false,
        ..rule.clone()
    };
    let taken = |days: i64| {
        let record = ConsentRecord {
            basis: rule.bases.first().copied(),
            purposes: (rule.purposes.iter()).fold(Default::default(), |set, one| set.with(*one)),
            given_at: back(days).and_then(midnight),
            ..ConsentRecord::default()
        };
        rule.evaluate(&record, as_of).is_ok()
    };
    if !taken(0) {
        return None;
    }
    let (mut oldest, mut too_old) = (0, MOST_DAYS);
    while too_old - oldest > 1 {
        let middle = oldest.midpoint(too_old);
        match taken(middle) {
            true => oldest = middle,
            false => too_old = middle,
        }
    }
    Some((midnight(back(oldest)?)?, midnight(as_of.tomorrow().ok()?)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use jiff::civil::date;
    use proptest::prelude::*;
    use tamis_protocols::consent::{Basis, Details, Purposes};

    use super::*;

    proptest! {
        #[test]
        fn a_verdict_is_that_of_the_rule(
            months in prop_oneof![0..40_u32, any::<u32>()],
            purposes in proptest::collection::vec(0..34_u8, 0..3),
            bases in 0..3_usize,
            basis in proptest::option::of(0..6_usize),
            covered in any::<u32>(),
            days in proptest::option::of(-40..1_300_i64),
            second in 0..86_400_i64,
            opposed in proptest::bool::weighted(0.1),
            day in 0..1_500_i64,
            demands in (any::<bool>(), any::<bool>(), any::<bool>()),
            said in (0..3_u8, any::<bool>(), any::<bool>(), proptest::option::of(-40..40_i64)),
        ) {
            let as_of = date(2024, 1, 1) + jiff::Span::new().days(day);
            let rule = ConsentRule {
                bases: Basis::ALL[..bases].to_vec(),
                purposes,
                max_age_months: months,
                jurisdictions: demands.0.then(|| "FR".to_owned()).into_iter().collect(),
                notices: demands.1.then(|| "v4".to_owned()).into_iter().collect(),
                recipients_named: demands.2,
            };
            let destinations = Destinations::new([("dsp-a", None)]);
            let start = Offset::UTC.to_timestamp(as_of.at(0, 0, 0, 0)).unwrap().as_second();
            let more = Details {
                recipients: (said.0 < 2).then(|| vec![["dmp-b", "dsp-a"][usize::from(said.0)].to_owned()]),
                jurisdiction: said.1.then(|| "FR-IDF".to_owned()),
                valid_until: said.3.map(|days| {
                    Timestamp::from_second(start + 86_400 * days + second).unwrap()
                }),
                ..Details::NONE
            };
            let record = ConsentRecord {
                notice_version: said.2.then(|| "v4".to_owned()),
                more: (more != Details::NONE).then(|| Box::new(more)),
                basis: basis.map(|basis| Basis::ALL[basis % 2]),
                purposes: Purposes(covered | covered << 7),
                given_at: days.map(|days| {
                    Timestamp::from_second(start - 86_400 * days + second).unwrap()
                }),
                opposed,
                ..ConsentRecord::default()
            };
            let expected = rule.judge(&record, &destinations, as_of).map(drop);
            prop_assert_eq!(Judge::new(&rule, destinations, as_of).verdict(&record), expected);
        }
    }
}
