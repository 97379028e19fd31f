#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::super::*;
use super::record::{at, records};

const TODAY: Date = date(2026, 11, 26);
/// 2026-11-01T00:00:00Z.
const GIVEN: i64 = 1_793_491_200;

/// A record that the partner's default rule lets in.
fn good() -> ConsentRecord {
    ConsentRecord {
        basis: Some(Basis::Consent),
        purposes: Purposes(0b1101),
        given_at: Some(at(GIVEN)),
        notice_version: Some("v4".to_owned()),
        ..ConsentRecord::default()
    }
}

fn with(change: impl FnOnce(&mut Details)) -> ConsentRecord {
    let mut record = good();
    change(record.details_mut());
    record
}

fn destinations() -> Destinations {
    Destinations::new([("dsp-a", Some(28)), ("dmp-b", None)])
}

fn named(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

fn reason(rule: &ConsentRule, record: &ConsentRecord) -> Option<DropReason> {
    rule.judge(record, &destinations(), TODAY).err()
}

#[test]
fn a_record_counts_only_at_destinations_among_its_recipients() {
    let rule = ConsentRule::partner();
    for (names, at) in [
        (None, None),
        (named(&["dsp-a"]), Some(0b01)),
        (named(&["dmp-b"]), Some(0b10)),
        (named(&["dmp-b", "dsp-a", "someone-else"]), Some(0b11)),
        (named(&["gvl:28"]), Some(0b01)),
    ] {
        let record = with(|details| details.recipients = names.clone());
        let found = rule.judge(&record, &destinations(), TODAY).unwrap();
        assert_eq!(found.at, at, "{names:?}");
    }
    for nobody in [named(&[]), named(&["dsp"]), named(&["gvl:2", "gvl:280"])] {
        let record = with(|details| details.recipients = nobody.clone());
        let missing = Some(DropReason::RecipientMissing);
        assert_eq!(reason(&rule, &record), missing, "{nobody:?}");
    }
}

#[test]
fn a_rule_may_demand_that_recipients_are_named() {
    let rule = ConsentRule {
        recipients_named: true,
        ..ConsentRule::partner()
    };
    assert_eq!(reason(&rule, &good()), Some(DropReason::RecipientMissing));
    let record = with(|details| details.recipients = named(&["dsp-a"]));
    assert_eq!(reason(&rule, &record), None);
}

#[test]
fn a_jurisdiction_is_accepted_with_its_subdivisions_and_never_a_longer_word() {
    let rule = ConsentRule {
        jurisdictions: vec!["FR".to_owned(), "US-CA".to_owned()],
        ..ConsentRule::partner()
    };
    for (place, taken) in [
        (Some("FR"), true),
        (Some("FR-IDF"), true),
        (Some("US-CA"), true),
        (Some("US"), false),
        (Some("US-C"), false),
        (Some("DE"), false),
        (None, false),
    ] {
        let record = with(|details| details.jurisdiction = place.map(str::to_owned));
        let refused = (!taken).then_some(DropReason::JurisdictionNotAccepted);
        assert_eq!(reason(&rule, &record), refused, "{place:?}");
    }
    let unasked = with(|details| details.jurisdiction = Some("DE".to_owned()));
    assert_eq!(reason(&ConsentRule::partner(), &unasked), None);
}

#[test]
fn only_accepted_notices_count() {
    let rule = |versions: &[&str]| ConsentRule {
        notices: versions.iter().map(|one| (*one).to_owned()).collect(),
        ..ConsentRule::partner()
    };
    assert_eq!(reason(&rule(&["v3", "v4"]), &good()), None);
    let refused = Some(DropReason::NoticeNotAccepted);
    assert_eq!(reason(&rule(&["v"]), &good()), refused);
    let silent = ConsentRecord {
        notice_version: None,
        ..good()
    };
    assert_eq!(reason(&rule(&["v4"]), &silent), refused);
}

#[test]
fn the_newest_event_decides_whether_a_consent_holds() {
    use ConsentState::{Expired, Given, Narrowed, Opposed, Refreshed, Withdrawn};
    let rule = ConsentRule::partner();
    let of = |states: &[ConsentState]| {
        let event = |(n, state): (usize, &ConsentState)| ConsentEvent {
            state: *state,
            at: at(GIVEN + n as i64),
        };
        with(|details| details.history = states.iter().enumerate().map(event).collect())
    };
    for (states, expected) in [
        (&[Given, Narrowed][..], None),
        (&[Given, Withdrawn, Given], None),
        (&[Given, Refreshed, Withdrawn], Some(DropReason::Withdrawn)),
        (&[Given, Opposed], Some(DropReason::Opposed)),
        (&[Expired], Some(DropReason::Expired)),
    ] {
        assert_eq!(reason(&rule, &of(states)), expected, "{states:?}");
    }
    // An end counts though it is still to come; a beginning does not count before its day.
    let later = |state| {
        let event = ConsentEvent {
            state,
            at: at(GIVEN + 86_400 * 40),
        };
        with(|details| details.history = vec![event])
    };
    assert_eq!(
        reason(&rule, &later(Withdrawn)),
        Some(DropReason::Withdrawn)
    );
    let early = Some(DropReason::ConsentInFuture);
    assert_eq!(reason(&rule, &later(Given)), early);
}

#[test]
fn validity_ends_on_the_last_day_that_is_wholly_within_it() {
    let rule = ConsentRule::partner();
    // 2026-11-26T00:00:00Z and the seconds at which that day and the one before are over.
    let midnight = GIVEN + 25 * 86_400;
    for (until, last) in [
        (midnight - 2, None),
        (midnight - 1, None),
        (midnight, None),
        (midnight + 86_398, None),
        (midnight + 86_399, Some(TODAY)),
        (midnight + 2 * 86_400, Some(date(2026, 11, 27))),
        (GIVEN + 10_000 * 86_400, Some(date(2027, 12, 1))),
    ] {
        let record = with(|details| details.valid_until = Some(at(until)));
        let found = rule.evaluate(&record, TODAY);
        assert_eq!(found, last.ok_or(DropReason::Expired), "{until}");
    }
}

#[test]
fn interests_cover_purposes_only_where_legitimate_interest_is_accepted() {
    let both = ConsentRule {
        bases: vec![Basis::Consent, Basis::LegitimateInterest],
        ..ConsentRule::partner()
    };
    let record = |basis, purposes, interests| {
        let mut record = ConsentRecord {
            basis,
            purposes: Purposes(purposes),
            ..good()
        };
        record.details_mut().interests = Purposes(interests);
        record
    };
    let consent = Some(Basis::Consent);
    let missing = Some(DropReason::PurposeMissing);
    assert_eq!(reason(&both, &record(consent, 0b0101, 0b1000)), None);
    assert_eq!(reason(&both, &record(None, 0, 0b1101)), None);
    assert_eq!(reason(&both, &record(consent, 0b0101, 0b0100)), missing);
    // Purposes of a basis that is not accepted lend nothing.
    let contract = record(Some(Basis::Contract), 0b0101, 0b1000);
    assert_eq!(reason(&both, &contract), missing);
    let strict = ConsentRule::partner();
    assert_eq!(reason(&strict, &record(consent, 0b0101, 0b1000)), missing);
    let no_basis = Some(DropReason::NoBasis);
    assert_eq!(reason(&strict, &record(None, 0, 0b1101)), no_basis);
}

#[test]
fn a_rule_without_new_demands_is_written_as_before() {
    let text = serde_json::to_string(&ConsentRule::partner()).unwrap();
    assert_eq!(
        text,
        r#"{"bases":["consent"],"purposes":[1,3,4],"max_age_months":13}"#
    );
    let strict = ConsentRule {
        jurisdictions: vec!["FR".to_owned()],
        notices: vec!["v4".to_owned()],
        recipients_named: true,
        ..ConsentRule::partner()
    };
    let read: ConsentRule = serde_json::from_str(&serde_json::to_string(&strict).unwrap()).unwrap();
    assert_eq!(read, strict);
}

proptest! {
    /// The attack: write into the new fields whatever would let a row in that was left out.
    #[test]
    fn no_detail_lets_in_whom_a_rule_of_consent_leaves_out(
        record in records(), months in 1_u32..40, as_of in 0_i32..30_000,
    ) {
        let rule = ConsentRule { max_age_months: months, ..ConsentRule::partner() };
        let as_of = date(1980, 1, 1).checked_add(jiff::Span::new().days(as_of)).unwrap();
        let mut plain = record.clone();
        plain.more = None;
        if let Ok(found) = rule.judge(&record, &destinations(), as_of) {
            prop_assert!(found.last_day <= rule.evaluate(&plain, as_of).unwrap());
        }
    }
}
