use jiff::Timestamp;
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::encoder::{Writer, changed, encode, strings};
use crate::consent::{Basis, Purposes};
use crate::iab::tcf::{Invalid, Restriction, RestrictionKind, TcString};
use crate::iab::{Ids, LONGEST, Malformed};

/// Policy 5, bit fields, three segments.
pub(super) const FIELDS: &str =
    "CPTtLAAPTtLAAAAAAAENAAFgALwAAEAAAAAAAOgAgABgAAAA.IAoAAgABgAAEAQAAEAAA.d4AACEAAAAAA";
/// Policy 5, ranges.
pub(super) const RANGES: &str = "CPSG_8APSG_8AAAAAAENAAFgAAAAAAAAAAAAFpQAwAAgCtAWkAAAAAAA.IFpQBQAAwAKAAsADoArQFpAA.YAAAAAAAAAAA";
/// Policy 2.
pub(super) const OLD: &str =
    "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA.IDKQA4AAgAKAGQAygAAA.YAAAAAAAAAAA";
pub(super) const TODAY: Date = date(2026, 11, 26);

fn parse(text: &str) -> TcString {
    TcString::parse(text).unwrap()
}

pub(super) fn set(numbers: &[u8]) -> Purposes {
    numbers
        .iter()
        .fold(Purposes::NONE, |set, number| set.with(*number))
}

pub(super) fn some(ids: &[u16]) -> Ids {
    Ids::from_ranges(ids.iter().map(|id| (*id, *id)).collect())
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// A string of today that counts, and lets vendor 28 process on consent for 1, 3 and 4, on interest for 7.
pub(super) fn good() -> TcString {
    TcString {
        created: at("2026-11-20T00:00:00Z"),
        last_updated: at("2026-11-20T00:00:00Z"),
        purposes_consent: set(&[1, 3, 4]),
        purposes_interest: set(&[7, 9]),
        vendors_consent: some(&[11, 28]),
        vendors_interest: some(&[28, 29]),
        disclosed_vendors: Some(some(&[11, 28, 29])),
        ..parse(FIELDS)
    }
}

/// The same with one restriction of each kind, and with purposes of the publisher.
pub(super) fn restricted() -> TcString {
    let restriction = |purpose, kind, vendors| Restriction {
        purpose,
        kind,
        vendors,
    };
    TcString {
        restrictions: vec![
            restriction(
                3,
                RestrictionKind::NotAllowed,
                Ids::from_ranges(vec![(20, 40)]),
            ),
            restriction(7, RestrictionKind::RequireConsent, some(&[29])),
            restriction(4, RestrictionKind::RequireInterest, some(&[11])),
        ],
        ..good()
    }
}

#[test]
fn public_strings_say_what_they_were_made_to_say() {
    let string = parse(FIELDS);
    assert_eq!(string.policy_version, 5);
    assert_eq!(string.purposes_consent, set(&[1, 3, 4, 5, 6]));
    assert_eq!(string.purposes_interest, set(&[2]));
    assert_eq!(string.vendors_consent, some(&[11, 28, 29]));
    assert_eq!(
        string.disclosed_vendors,
        Some(some(&[11, 28, 29, 50, 60, 80]))
    );
    assert_eq!(string.judge(TODAY).map(|_| ()), Ok(()));

    let string = parse(RANGES);
    assert_eq!(string.policy_version, 5);
    assert_eq!(string.vendors_consent, some(&[1, 173, 722]));
    assert_eq!(
        string.disclosed_vendors,
        Some(some(&[1, 10, 11, 29, 173, 722]))
    );

    let string = parse(OLD);
    assert_eq!((string.cmp_id, string.vendor_list_version), (880, 48));
    assert_eq!(string.language.to_string(), "EN");
    assert_eq!(string.publisher_country.to_string(), "DE");
    assert_eq!(string.vendors_consent, Ids::from_ranges(vec![(1, 4)]));
    assert_eq!(
        string.judge(TODAY).map(|_| ()),
        Err(vec![Invalid::OldPolicy])
    );
}

#[test]
fn every_rule_of_validity_fails_a_string_that_breaks_it_alone() {
    type Change = fn(&mut TcString);
    assert!(good().judge(TODAY).is_ok());
    let broken = |break_it: Change| {
        let mut string = good();
        break_it(&mut string);
        string.judge(TODAY).map(|_| ()).unwrap_err()
    };
    let cases: [(Invalid, Change); 7] = [
        (Invalid::NotServiceSpecific, |s| s.service_specific = false),
        (Invalid::OldPolicy, |s| s.policy_version = 3),
        (Invalid::InterestNotAllowed, |s| {
            s.purposes_interest = set(&[2, 6])
        }),
        (Invalid::DaysDiffer, |s| {
            s.last_updated = at("2026-11-21T00:00:00Z")
        }),
        (Invalid::NotWholeDays, |s| {
            s.last_updated = at("2026-11-20T00:00:00.1Z")
        }),
        (Invalid::CreatedInFuture, |s| {
            s.created = at("2026-11-27T00:00:00Z");
            s.last_updated = s.created;
        }),
        (Invalid::DisclosedVendorsMissing, |s| {
            s.disclosed_vendors = None
        }),
    ];
    for (reason, break_it) in cases {
        assert_eq!(broken(break_it), [reason]);
    }
    assert_eq!(cases.map(|(reason, _)| reason), Invalid::ALL);
}

#[test]
fn disclosed_vendors_are_demanded_from_march_2026_on() {
    let mut string = good();
    string.disclosed_vendors = None;
    for (day, counts) in [
        ("2026-02-28T00:00:00Z", true),
        ("2026-03-01T00:00:00Z", false),
    ] {
        (string.created, string.last_updated) = (at(day), at(day));
        assert_eq!(string.judge(TODAY).is_ok(), counts, "{day}");
    }
    // A disclosure of nobody is one: it permits nobody.
    string.disclosed_vendors = Some(Ids::default());
    assert!(!string.judge(TODAY).unwrap().permits(28, 3, Basis::Consent));
}

#[test]
fn a_vendor_may_what_purpose_vendor_and_disclosure_allow_together() {
    let string = good();
    let valid = string.judge(TODAY).unwrap();
    assert_eq!(valid.purposes(28, Basis::Consent), set(&[1, 3, 4]));
    assert_eq!(valid.purposes(28, Basis::LegitimateInterest), set(&[7, 9]));
    assert_eq!(
        valid.purposes(11, Basis::LegitimateInterest),
        Purposes::NONE
    );
    assert_eq!(valid.purposes(29, Basis::Consent), Purposes::NONE);
    assert_eq!(valid.purposes(28, Basis::Contract), Purposes::NONE);
    assert!(!valid.permits(28, 0, Basis::Consent) && !valid.permits(28, 25, Basis::Consent));
}

#[test]
fn no_restriction_of_the_publisher_can_be_talked_round() {
    // The attack: further restrictions, on other purposes and vendors or of another kind, around the one
    // that forbids. Each must be met; none lifts another.
    let kinds = [
        RestrictionKind::NotAllowed,
        RestrictionKind::RequireConsent,
        RestrictionKind::RequireInterest,
    ];
    let restriction = |purpose, kind, vendor| Restriction {
        purpose,
        kind,
        vendors: some(&[vendor]),
    };
    for (kind, on_consent, on_interest) in [
        (kinds[0], false, false),
        (kinds[1], true, false),
        (kinds[2], false, true),
    ] {
        for other in kinds {
            let mut string = good();
            string.purposes_consent = set(&[7]);
            string.restrictions = vec![
                restriction(8, other, 28),
                restriction(7, kind, 28),
                restriction(7, other, 11),
            ];
            let valid = string.judge(TODAY).unwrap();
            assert_eq!(valid.permits(28, 7, Basis::Consent), on_consent);
            assert_eq!(valid.permits(28, 7, Basis::LegitimateInterest), on_interest);
            string.restrictions.push(restriction(7, other, 28));
            let valid = string.judge(TODAY).unwrap();
            assert!(on_consent || !valid.permits(28, 7, Basis::Consent));
            assert!(on_interest || !valid.permits(28, 7, Basis::LegitimateInterest));
        }
    }
}

#[test]
fn legitimate_interest_never_carries_storage_or_profiles() {
    let mut string = good();
    string.purposes_interest = set(&[1, 2]);
    let valid = string.judge(TODAY).unwrap();
    assert_eq!(valid.purposes(28, Basis::LegitimateInterest), set(&[2]));
}

#[test]
fn what_is_damaged_is_refused_for_what_is_wrong_with_it() {
    let core = FIELDS.split_once('.').unwrap().0;
    let cases = [
        (String::new(), Malformed::Truncated),
        ("D".repeat(60), Malformed::Version),
        (core.replace('A', "="), Malformed::Character),
        (core.replace('A', "+"), Malformed::Character),
        (format!("{core}."), Malformed::Truncated),
        (format!("{core}B"), Malformed::Trailing),
        (format!("{core}.AAAA"), Malformed::Segment),
        (format!("{core}.gAAA"), Malformed::Segment),
        (format!("{FIELDS}.IAAA"), Malformed::Segment),
        (format!("{core}{}", "A".repeat(LONGEST)), Malformed::TooLong),
    ];
    for (text, wrong) in cases {
        assert_eq!(TcString::parse(&text), Err(wrong), "{text:.80}");
    }
}

#[test]
fn lists_of_vendors_that_contradict_themselves_are_refused() {
    let list = |bits: &str| {
        let mut segment = Writer::default();
        TcString::parse(&format!("{OLD}.{}", segment.bits(bits).text()))
    };
    let (sixteen, forty) = ("0000000000010000", "0000000000101000");
    // Allowed vendors, as ranges, one entry.
    let head = |highest: &str| format!("010 {highest} 1 000000000001");
    assert!(list(&format!("{} 0 {sixteen}", head(forty))).is_ok());
    assert!(list(&format!("{} 1 {sixteen} {forty}", head(forty))).is_ok());
    for bad in [
        format!("{} 0 {}", head(forty), "0".repeat(16)),
        format!("{} 1 {forty} {sixteen}", head(forty)),
        format!("{} 0 {forty}", head(sixteen)),
    ] {
        assert_eq!(list(&bad), Err(Malformed::Ids));
    }
}

#[test]
fn no_beginning_of_a_string_passes_for_another_string() {
    for text in [FIELDS, RANGES, OLD] {
        let core = text.split_once('.').unwrap().0;
        let whole = parse(core);
        for end in 0..core.len() {
            // Only the filling may be missing.
            let read = TcString::parse(&core[..end]);
            assert!(read.is_err() || read.as_ref() == Ok(&whole), "{end}");
        }
    }
}

proptest! {
    #[test]
    fn whatever_can_be_written_is_read_again(string in strings(), as_ranges in any::<bool>()) {
        prop_assert_eq!(TcString::parse(&encode(&string, as_ranges)), Ok(string));
    }

    #[test]
    fn no_text_makes_the_decoder_panic(
        noise in any::<String>(), letters in "C[A-Za-z0-9_.-]{0,300}",
        changed in strings().prop_flat_map(|string| changed(encode(&string, true))),
    ) {
        for text in [noise, letters, changed] {
            if let Ok(string) = TcString::parse(&text) {
                // What is read can be written, and is the same.
                prop_assert_eq!(TcString::parse(&encode(&string, true)), Ok(string.clone()));
                if let Ok(valid) = string.judge(TODAY) {
                    let _ = valid.purposes(1, Basis::Consent);
                }
            }
        }
    }
}
