//! Consent strings of the IAB, which come with the rows of a file.

use jiff::civil::date;
use tamis_protocols::consent::Basis;
use tamis_protocols::iab::gpp::{GppString, Section};
use tamis_protocols::iab::tcf::TcString;
use tamis_protocols::iab::{Ids, LONGEST};

use crate::received::text;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The strings of the committed vectors.
fn committed(vectors: &str) -> Vec<Vec<u8>> {
    let vectors: serde_json::Value = serde_json::from_str(vectors).expect("JSON");
    let strings = vectors["strings"].as_array().expect("strings");
    let texts = strings.iter().map(|one| one["text"].as_str());
    texts.map(|text| text.expect("a text").into()).collect()
}

pub(crate) fn tc_strings() -> Vec<Vec<u8>> {
    committed(include_str!("../../protocols/iab/vectors/tcf.json"))
}

pub(crate) fn gpp_strings() -> Vec<Vec<u8>> {
    committed(include_str!("../../protocols/iab/vectors/gpp.json"))
}

/// Bytes that have no place in a string as such that have, so that more than the alphabet is tried.
fn spelt(data: &[u8]) -> String {
    let letter = |byte: &u8| match byte {
        b'.' | b'~' => char::from(*byte),
        byte if ALPHABET.contains(byte) => char::from(*byte),
        byte => char::from(ALPHABET[usize::from(byte & 63)]),
    };
    data.iter().map(letter).collect()
}

/// A TC string reads the same with more filling, and permits nothing that its bits do not.
pub(crate) fn tc_string(data: &[u8]) -> bool {
    let _ = text(data).map(TcString::parse);
    let spelt = spelt(data);
    let Ok(string) = TcString::parse(&spelt) else {
        return false;
    };
    if spelt.len() < LONGEST {
        assert_eq!(TcString::parse(&format!("{spelt}A")).as_ref(), Ok(&string));
    }
    looked_at(&string);
    true
}

fn looked_at(string: &TcString) {
    ordered(&string.vendors_consent);
    ordered(&string.vendors_interest);
    for ids in [&string.disclosed_vendors, &string.allowed_vendors]
        .into_iter()
        .flatten()
    {
        ordered(ids);
    }
    let Ok(valid) = string.judge(date(2026, 11, 26)) else {
        return;
    };
    for vendor in [0, 1, 28, 755, u16::MAX] {
        let consent = valid.purposes(vendor, Basis::Consent);
        assert!(consent.0 & !string.purposes_consent.0 == 0);
        assert!(consent.0 == 0 || string.vendors_consent.contains(vendor));
        let interest = valid.purposes(vendor, Basis::LegitimateInterest);
        assert!(interest.0 & !string.purposes_interest.0 == 0);
        assert!(interest.0 == 0 || string.vendors_interest.contains(vendor));
    }
}

/// Ranges rise and do not touch, and no id is 0.
fn ordered(ids: &Ids) {
    let ranges = ids.ranges();
    assert!(
        ranges
            .iter()
            .all(|(first, last)| 0 < *first && first <= last)
    );
    assert!(
        ranges
            .windows(2)
            .all(|pair| u32::from(pair[0].1) + 1 < u32::from(pair[1].0))
    );
    assert!(ids.len() <= usize::from(u16::MAX));
}

/// The sections of a GPP string rise, and one that opted out is heard.
pub(crate) fn gpp_string(data: &[u8]) -> bool {
    let _ = text(data).map(GppString::parse);
    let Ok(string) = GppString::parse(&spelt(data)) else {
        return false;
    };
    let numbers: Vec<u16> = string.sections.iter().map(Section::id).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
    let said = string.sections.iter().filter_map(Section::opted_out);
    let any = said.fold(None, |any, one| Some(any.unwrap_or(false) || one.any()));
    assert_eq!(string.opted_out().map(|all| all.any()), any);
    if let Some(europe) = string.europe() {
        looked_at(europe);
    }
    serde_json::to_string(&string).expect("a document");
    true
}
