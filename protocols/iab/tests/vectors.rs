//! Strings and what they say, as committed; `tests/independent/iab.py` reads them in its own way.

use jiff::civil::date;
use serde_json::{Value, json};

use super::encoder::{encode, header};
use super::gpp::DEFAULTS;
use super::tcf::{FIELDS, OLD, RANGES, restricted};
use crate::consent::{Basis, Purposes};
use crate::iab::gpp::GppString;
use crate::iab::tcf::TcString;

fn listed(set: Purposes) -> Vec<u8> {
    (1..=Purposes::HIGHEST)
        .filter(|number| set.contains(*number))
        .collect()
}

fn tc(text: &str) -> Value {
    let string = TcString::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let judged = string.judge(date(2026, 11, 26));
    let permitted = judged.as_ref().ok().map(|valid| {
        let vendors = string
            .vendors_consent
            .iter()
            .chain(string.vendors_interest.iter());
        let answer = |vendor| {
            let consent = listed(valid.purposes(vendor, Basis::Consent));
            let interest = listed(valid.purposes(vendor, Basis::LegitimateInterest));
            json!({"vendor": vendor, "consent": consent, "legitimate_interest": interest})
        };
        vendors.map(answer).collect::<Vec<_>>()
    });
    json!({"text": text, "says": string, "invalid": judged.err().unwrap_or_default(), "permits": permitted})
}

#[test]
fn vectors_of_tc_strings_are_what_is_read() {
    let own = [true, false].map(|as_ranges| encode(&restricted(), as_ranges));
    let texts = [FIELDS, RANGES, OLD, &own[0], &own[1]];
    let made: Vec<Value> = texts.map(tc).to_vec();
    crate::golden::check(
        "iab/vectors/tcf.json",
        &json!({"as_of": "2026-11-26", "strings": made}),
    );
}

#[test]
fn vectors_of_gpp_strings_are_what_is_read() {
    let texts = [
        format!("DBABMA~{FIELDS}"),
        format!("DBACNYA~{OLD}~1YNN"),
        "DBABTA~1YNN".to_owned(),
        "DBABLA~BAAAVVVVUQA.QA".to_owned(),
        DEFAULTS.to_owned(),
        // Oregon and Delaware with values of each kind; Maryland and Rhode Island that opted out.
        format!("{}~BVWSSRpFYA.YA~BVWSSSSVYA.YA", header(&[15, 17])),
        format!("{}~BVVU.YA~BVVV.kkk", header(&[24, 27])),
    ];
    let gpp = |text: &String| {
        let string = GppString::parse(text).unwrap();
        json!({"text": text, "says": string, "opted_out": string.opted_out()})
    };
    let made: Vec<Value> = texts.iter().map(gpp).collect();
    crate::golden::check("iab/vectors/gpp.json", &json!({"strings": made}));
}
