#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod proof;
pub(super) mod record;
mod rule;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::*;
use record::records;

#[derive(Deserialize)]
struct Judged {
    rule: String,
    basis: Option<String>,
    purposes: String,
    given_at: Option<Timestamp>,
    #[serde(default)]
    opposed: bool,
    as_of: Date,
    last_day: Option<Date>,
    dropped: Option<String>,
}

fn rule(name: &str) -> ConsentRule {
    match name {
        "advertiser" => ConsentRule::advertiser(),
        "partner" => ConsentRule::partner(),
        other => panic!("unknown rule {other}"),
    }
}

#[test]
fn every_vector_is_judged_as_written() {
    let vectors: Vec<Judged> =
        serde_json::from_str(include_str!("../vectors/judged.json")).unwrap();
    for (number, vector) in vectors.iter().enumerate() {
        let record = ConsentRecord {
            basis: vector
                .basis
                .as_deref()
                .map(|word| Basis::parse(word).unwrap()),
            purposes: Purposes::parse(&vector.purposes).unwrap(),
            given_at: vector.given_at,
            opposed: vector.opposed,
            ..ConsentRecord::default()
        };
        let verdict = rule(&vector.rule).evaluate(&record, vector.as_of);
        assert_eq!(verdict.ok(), vector.last_day, "vector {number}");
        let reason = verdict.err().map(DropReason::as_str);
        assert_eq!(reason, vector.dropped.as_deref(), "vector {number}");
    }
}

#[derive(Deserialize)]
struct Proof {
    roots: Vec<Root>,
}

#[derive(Deserialize)]
struct Root {
    leaves: u64,
    root: String,
}

fn proof() -> Proof {
    serde_json::from_str(include_str!("../vectors/proof.json")).unwrap()
}

#[test]
fn roots_equal_an_independent_computation() {
    for vector in proof().roots {
        let mut builder = RootBuilder::new();
        for number in 0..vector.leaves {
            builder.push(Sha256::digest(number.to_be_bytes()).into());
        }
        assert_eq!(builder.leaves(), vector.leaves);
        assert_eq!(
            hex::encode(builder.finish()),
            vector.root,
            "{}",
            vector.leaves
        );
    }
}

#[test]
fn a_commitment_without_its_salt_cannot_be_guessed_back() {
    // The attack: enumerate the few plausible records and compare. Another salt gives another value.
    let record = ConsentRecord {
        opposed: true,
        ..ConsentRecord::default()
    };
    let seen = commitment(&[1; 32], &record);
    assert_ne!(seen, commitment(&[2; 32], &record));
    assert_eq!(seen, commitment(&[1; 32], &record.clone()));
}

#[test]
fn rules_are_written_in_the_words_of_files() {
    let json = serde_json::to_string(&ConsentRule::advertiser()).unwrap();
    assert_eq!(
        json,
        r#"{"bases":["consent","legitimate_interest"],"purposes":[3,4],"max_age_months":25}"#
    );
    assert_eq!(
        serde_json::from_str::<ConsentRule>(&json).unwrap(),
        ConsentRule::advertiser()
    );
    for basis in Basis::ALL {
        assert_eq!(Basis::parse(basis.as_str()), Some(basis));
        assert_eq!(Basis::from_code(basis.code()), Some(basis));
        assert_eq!(serde_json::to_value(basis).unwrap(), basis.as_str());
    }
    assert_eq!(
        Basis::parse(" Legitimate-Interest "),
        Some(Basis::LegitimateInterest)
    );
    assert_eq!(Basis::from_code(0), None);
    for reason in DropReason::ALL {
        assert_eq!(DropReason::parse(reason.as_str()), Some(reason));
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}

#[test]
fn a_rule_that_asks_for_an_impossible_purpose_lets_nobody_in() {
    let mut strict = ConsentRule::partner();
    let record = ConsentRecord {
        basis: Some(Basis::Consent),
        purposes: Purposes(u32::MAX),
        given_at: Some(Timestamp::from_second(1_777_957_200).unwrap()),
        ..ConsentRecord::default()
    };
    assert!(strict.evaluate(&record, date(2026, 11, 22)).is_ok());
    for impossible in [0, 33, 255] {
        strict.purposes = vec![impossible];
        let verdict = strict.evaluate(&record, date(2026, 11, 22));
        assert_eq!(verdict, Err(DropReason::PurposeMissing));
    }
}

#[test]
fn lists_of_purposes_are_read_strictly() {
    assert_eq!(
        Purposes::parse(" 1 3,4;4|24 ").unwrap(),
        Purposes(0b1101 | 1 << 23)
    );
    assert_eq!(Purposes::parse("").unwrap(), Purposes::NONE);
    for bad in ["0", "25", "-1", "+1", "1.3", "x", "001", "256", "１"] {
        assert_eq!(Purposes::parse(bad), Err(BadPurposes), "{bad}");
    }
}

proptest! {
    #[test]
    fn purposes_round_trip(bits in 0_u32..1 << 24, noise in any::<String>()) {
        let set = Purposes(bits);
        prop_assert_eq!(Purposes::parse(&set.to_string()), Ok(set));
        let _ = Purposes::parse(&noise);
        let _ = Basis::parse(&noise);
    }

    #[test]
    fn whoever_is_let_in_is_let_in_until_the_last_day_and_not_after(
        record in records(), purposes in 0_u8..6, months in prop_oneof![0_u32..40, any::<u32>()], days in 0_i32..3_000,
    ) {
        let rule = ConsentRule { bases: vec![Basis::Consent], purposes: vec![purposes], max_age_months: months, ..ConsentRule::partner() };
        let as_of = date(2020, 2, 28).checked_add(jiff::Span::new().days(days)).unwrap();
        if let Ok(last) = rule.evaluate(&record, as_of) {
            prop_assert!(last >= as_of);
            prop_assert_eq!(rule.evaluate(&record, last), Ok(last));
            if let Ok(after) = last.tomorrow() {
                prop_assert_eq!(rule.evaluate(&record, after), Err(DropReason::TooOld));
            }
        }
    }
}
