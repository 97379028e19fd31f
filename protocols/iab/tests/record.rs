use super::encoder::{encode, header};
use super::tcf::{OLD, TODAY, good, set, some};
use crate::consent::{Basis, ConsentRecord, ConsentRule, DropReason, Purposes};
use crate::iab::gpp::GppString;
use crate::iab::tcf::{Invalid, Restriction, RestrictionKind, TcString};
use crate::iab::{Malformed, Unusable, to_record};

fn record(string: &TcString, vendors: &[u16]) -> ConsentRecord {
    let record = string.judge(TODAY).unwrap().to_record(vendors);
    assert_eq!(record.check(), Ok(()));
    assert_eq!(
        ConsentRecord::from_bytes(&record.to_bytes()).as_ref(),
        Ok(&record)
    );
    record
}

fn recipients(record: &ConsentRecord) -> Vec<&str> {
    let names = record.details().recipients.as_ref().unwrap();
    names.iter().map(String::as_str).collect()
}

#[test]
fn a_string_becomes_the_record_that_it_says() {
    let record = record(&good(), &[28]);
    assert_eq!(
        (record.basis, record.purposes),
        (Some(Basis::Consent), set(&[1, 3, 4]))
    );
    assert_eq!(record.given_at.unwrap().to_string(), "2026-11-20T00:00:00Z");
    assert_eq!(record.notice_version.as_deref(), Some("gvl 0, policy 5"));
    assert_eq!(record.source.as_deref(), Some("cmp 0"));
    assert!(!record.opposed);
    let details = record.details();
    assert_eq!(details.interests, set(&[7, 9]));
    assert_eq!(details.language.as_deref(), Some("en"));
    assert_eq!(details.jurisdiction, None);
    assert_eq!(recipients(&record), ["gvl:28"]);
    let old = TcString::parse(OLD).unwrap();
    let german = TcString {
        policy_version: 4,
        ..old
    };
    assert_eq!(
        self::record(&german, &[]).details().jurisdiction.as_deref(),
        Some("DE")
    );
}

#[test]
fn a_record_says_what_every_recipient_may_do() {
    let mut string = good();
    string.restrictions = vec![Restriction {
        purpose: 4,
        kind: RestrictionKind::NotAllowed,
        vendors: some(&[11]),
    }];
    let both = record(&string, &[28, 11, 11, 29]);
    assert_eq!(recipients(&both), ["gvl:11", "gvl:28"]);
    assert_eq!(
        (both.purposes, both.details().interests),
        (set(&[1, 3]), Purposes::NONE)
    );
    assert_eq!(record(&string, &[28]).purposes, set(&[1, 3, 4]));
    let none = record(&string, &[5]);
    assert_eq!((none.basis, none.purposes), (None, Purposes::NONE));
    assert!(recipients(&none).is_empty());
    let interest = record(&string, &[29]);
    assert_eq!(interest.basis, Some(Basis::LegitimateInterest));
    assert_eq!(
        (interest.purposes, recipients(&interest)),
        (set(&[7, 9]), vec!["gvl:29"])
    );
}

#[test]
fn no_choice_of_vendors_gets_a_record_more_than_each_may() {
    // The attack: ask about a vendor that may little together with one that may much.
    let mut string = good();
    string.restrictions = vec![Restriction {
        purpose: 3,
        kind: RestrictionKind::RequireInterest,
        vendors: some(&[11]),
    }];
    let valid = string.judge(TODAY).unwrap();
    for vendors in [
        &[11, 28][..],
        &[28, 11, 5],
        &[5, 11],
        &[29, 11],
        &(1..=400).collect::<Vec<_>>(),
    ] {
        let record = record(&string, vendors);
        let basis = record.basis.unwrap();
        for name in recipients(&record) {
            let vendor: u16 = name.strip_prefix("gvl:").unwrap().parse().unwrap();
            assert_eq!(record.purposes.0 & !valid.purposes(vendor, basis).0, 0);
            let interest = valid.purposes(vendor, Basis::LegitimateInterest);
            assert_eq!(record.details().interests.0 & !interest.0, 0);
        }
    }
}

#[test]
fn who_consented_to_nothing_is_lost_to_any_terms() {
    let mut string = good();
    string.purposes_consent = Purposes::NONE;
    string.purposes_interest = Purposes::NONE;
    for vendors in [&[][..], &[28]] {
        let verdict = ConsentRule::partner().evaluate(&record(&string, vendors), TODAY);
        assert_eq!(verdict, Err(DropReason::NoBasis));
    }
    assert!(
        ConsentRule::partner()
            .evaluate(&record(&good(), &[28]), TODAY)
            .is_ok()
    );
}

#[test]
fn an_opt_out_is_opposition_whatever_stands_beside_it() {
    let text = |tc: &str, us: &str| format!("{}~{tc}~{us}", header(&[2, 6]));
    let tc = encode(&good(), true);
    let kept = to_record(&text(&tc, "1YNN"), TODAY, &[28]).unwrap();
    assert_eq!((kept.opposed, kept.purposes), (false, set(&[1, 3, 4])));
    assert_eq!(kept.details().jurisdiction.as_deref(), Some("US"));
    let opposed = to_record(&text(&tc, "1YYN"), TODAY, &[28]).unwrap();
    assert!(opposed.opposed);
    // Beside a section that does not count it is heard all the same.
    assert!(to_record(&text(OLD, "1YYN"), TODAY, &[28]).unwrap().opposed);
    assert_eq!(
        to_record(&text(OLD, "1YNN"), TODAY, &[28]),
        Err(Unusable::Invalid(vec![Invalid::OldPolicy]))
    );
    let california = GppString::parse(&format!("{}~BAAAAABA.YA", header(&[8]))).unwrap();
    let record = california.to_record(TODAY, &[]).unwrap();
    assert_eq!((record.opposed, record.basis), (true, None));
    assert_eq!(record.details().jurisdiction.as_deref(), Some("US-CA"));
}

#[test]
fn a_text_that_is_refused_says_what_is_wrong() {
    let refused = |text: &str| to_record(text, TODAY, &[]).unwrap_err().to_string();
    assert_eq!(
        to_record("", TODAY, &[]),
        Err(Unusable::Malformed(Malformed::Truncated))
    );
    assert_eq!(refused("DBABTA"), Malformed::Sections.to_string());
    assert_eq!(refused(OLD), Invalid::OldPolicy.hint());
}
