//! Writes what the decoders read, for round trips and for comparisons with other readers.

use jiff::Timestamp;
use proptest::option;
use proptest::prelude::*;

use crate::consent::Purposes;
use crate::iab::tcf::{PublisherPurposes, Restriction, RestrictionKind, TcString};
use crate::iab::{Ids, Letters};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Bits of one segment.
#[derive(Default)]
pub(super) struct Writer(Vec<bool>);

impl Writer {
    pub(super) fn number(&mut self, number: u64, count: usize) -> &mut Writer {
        self.0
            .extend((0..count).rev().map(|place| number >> place & 1 == 1));
        self
    }

    pub(super) fn bits(&mut self, text: &str) -> &mut Writer {
        self.0
            .extend(text.bytes().filter(|c| *c != b' ').map(|c| c == b'1'));
        self
    }

    fn time(&mut self, at: Timestamp) -> &mut Writer {
        self.number(at.as_millisecond() as u64 / 100, 36)
    }

    fn letters(&mut self, letters: Letters) -> &mut Writer {
        let [first, second] = letters.0.map(|letter| u64::from(letter - b'A'));
        self.number(first, 6).number(second, 6)
    }

    fn set(&mut self, set: Purposes, count: u8) -> &mut Writer {
        self.0
            .extend((1..=count).map(|number| set.contains(number)));
        self
    }

    /// 12 bits of how many ranges, then these.
    fn ranges(&mut self, ids: &Ids) -> &mut Writer {
        self.number(ids.ranges().len() as u64, 12);
        for (first, last) in ids.ranges() {
            match first == last {
                true => self.number(0, 1).number(u64::from(*first), 16),
                false => {
                    (self.number(1, 1).number(u64::from(*first), 16)).number(u64::from(*last), 16)
                }
            };
        }
        self
    }

    pub(super) fn vendors(&mut self, ids: &Ids, as_ranges: bool) -> &mut Writer {
        let highest = ids.iter().last().unwrap_or(0);
        self.number(u64::from(highest), 16)
            .number(u64::from(as_ranges), 1);
        match as_ranges {
            true => drop(self.ranges(ids)),
            false => self.0.extend((1..=highest).map(|id| ids.contains(id))),
        }
        self
    }

    /// A Fibonacci number code.
    pub(super) fn fibonacci(&mut self, mut number: u64) -> &mut Writer {
        let mut weights = vec![1, 2];
        while weights[weights.len() - 1] <= number {
            weights.push(weights[weights.len() - 1] + weights[weights.len() - 2]);
        }
        let mut code = Vec::new();
        for weight in weights.into_iter().rev() {
            let taken = weight <= number;
            number -= if taken { weight } else { 0 };
            if taken || !code.is_empty() {
                code.push(taken);
            }
        }
        self.0.extend(code.into_iter().rev());
        self.number(1, 1)
    }

    /// Six bits a character, filled with zeros.
    pub(super) fn text(&self) -> String {
        let sextet = |bits: &[bool]| {
            let value =
                |sum: usize, place: usize| sum << 1 | usize::from(bits.get(place) == Some(&true));
            char::from(ALPHABET[(0..6).fold(0, value)])
        };
        self.0.chunks(6).map(sextet).collect()
    }
}

/// The header of a GPP string, each section by itself.
pub(super) fn header(ids: &[u16]) -> String {
    let mut bits = Writer::default();
    bits.number(3, 6).number(1, 6).number(ids.len() as u64, 12);
    let mut last = 0;
    for id in ids {
        bits.number(0, 1).fibonacci(u64::from(id - last));
        last = *id;
    }
    bits.text()
}

/// Fills a text up to whole bytes: base64 of bytes alone has no other lengths.
pub(super) fn filled(text: &str) -> String {
    let fill = |segment: &str| {
        let missing = segment.len().next_multiple_of(4) - segment.len();
        format!("{segment}{}", "A".repeat(missing))
    };
    text.split('.').map(fill).collect::<Vec<_>>().join(".")
}

/// A TC string as text.
pub(super) fn encode(string: &TcString, as_ranges: bool) -> String {
    let mut core = Writer::default();
    core.number(2, 6)
        .time(string.created)
        .time(string.last_updated)
        .number(u64::from(string.cmp_id), 12)
        .number(u64::from(string.cmp_version), 12)
        .number(u64::from(string.screen), 6)
        .letters(string.language)
        .number(u64::from(string.vendor_list_version), 12)
        .number(u64::from(string.policy_version), 6)
        .number(u64::from(string.service_specific), 1)
        .number(u64::from(string.non_standard_texts), 1)
        .set(string.special_features, 12)
        .set(string.purposes_consent, 24)
        .set(string.purposes_interest, 24)
        .number(u64::from(string.purpose_one_treatment), 1)
        .letters(string.publisher_country)
        .vendors(&string.vendors_consent, as_ranges)
        .vendors(&string.vendors_interest, as_ranges)
        .number(string.restrictions.len() as u64, 12);
    for restriction in &string.restrictions {
        core.number(u64::from(restriction.purpose), 6)
            .number(restriction.kind as u64, 2)
            .ranges(&restriction.vendors);
    }
    let mut segments = vec![core.text()];
    for (kind, vendors) in [(1, &string.disclosed_vendors), (2, &string.allowed_vendors)] {
        if let Some(vendors) = vendors {
            let mut segment = Writer::default();
            segments.push(segment.number(kind, 3).vendors(vendors, as_ranges).text());
        }
    }
    if let Some(own) = &string.publisher {
        let mut segment = Writer::default();
        segment
            .number(3, 3)
            .set(own.consent, 24)
            .set(own.interest, 24);
        segment.number(u64::from(own.custom), 6);
        for set in [own.custom_consent, own.custom_interest] {
            segment
                .0
                .extend((0..own.custom).map(|place| set >> place & 1 == 1));
        }
        segments.push(segment.text());
    }
    segments.join(".")
}

pub(super) fn ids() -> impl Strategy<Value = Ids> {
    let range = (1_u16..1500, 0_u16..40);
    let ranges = proptest::collection::vec(range, 0..12);
    ranges.prop_map(|ranges| {
        let whole = |(first, more): (u16, u16)| (first, first + more / 8 * more);
        Ids::from_ranges(ranges.into_iter().map(whole).collect())
    })
}

fn purposes(count: u32) -> impl Strategy<Value = Purposes> {
    (0_u32..1 << count).prop_map(Purposes)
}

fn letters() -> impl Strategy<Value = Letters> {
    (b'A'..=b'Z', b'A'..=b'Z').prop_map(|(first, second)| Letters([first, second]))
}

fn time() -> impl Strategy<Value = Timestamp> {
    // Whole days, and any tenth of a second.
    let tenths = prop_oneof![
        (0_i64..30_000).prop_map(|day| day * 864_000),
        0_i64..1 << 36
    ];
    tenths.prop_map(|tenths| Timestamp::from_millisecond(tenths * 100).unwrap())
}

fn restrictions() -> impl Strategy<Value = Vec<Restriction>> {
    let kind = prop_oneof![
        Just(RestrictionKind::NotAllowed),
        Just(RestrictionKind::RequireConsent),
        Just(RestrictionKind::RequireInterest),
    ];
    let one = (1_u8..=24, kind, ids()).prop_map(|(purpose, kind, vendors)| Restriction {
        purpose,
        kind,
        vendors,
    });
    proptest::collection::vec(one, 0..3)
}

fn publisher() -> impl Strategy<Value = PublisherPurposes> {
    let custom = (0_u8..64, any::<u64>(), any::<u64>());
    (purposes(24), purposes(24), custom).prop_map(|(consent, interest, (custom, one, two))| {
        let mask = (1_u64 << custom) - 1;
        PublisherPurposes {
            consent,
            interest,
            custom,
            custom_consent: one & mask,
            custom_interest: two & mask,
        }
    })
}

/// Any TC string that can be written.
pub(super) fn strings() -> impl Strategy<Value = TcString> {
    let head = (
        time(),
        time(),
        0_u16..4096,
        0_u16..4096,
        0_u8..64,
        letters(),
    );
    let terms = (
        0_u16..4096,
        0_u8..64,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        letters(),
    );
    let sets = (purposes(12), purposes(24), purposes(24));
    let vendors = (ids(), ids(), restrictions());
    let segments = (
        option::of(ids()),
        option::of(ids()),
        option::of(publisher()),
    );
    (head, terms, sets, vendors, segments).prop_map(|(head, terms, sets, vendors, segments)| {
        TcString {
            created: head.0,
            last_updated: head.1,
            cmp_id: head.2,
            cmp_version: head.3,
            screen: head.4,
            language: head.5,
            vendor_list_version: terms.0,
            policy_version: terms.1,
            service_specific: terms.2,
            non_standard_texts: terms.3,
            special_features: sets.0,
            purposes_consent: sets.1,
            purposes_interest: sets.2,
            purpose_one_treatment: terms.4,
            publisher_country: terms.5,
            vendors_consent: vendors.0,
            vendors_interest: vendors.1,
            restrictions: vendors.2,
            disclosed_vendors: segments.0,
            allowed_vendors: segments.1,
            publisher: segments.2,
        }
    })
}

/// A text with a few characters changed, left out, put in or cut off.
pub(super) fn changed(text: String) -> impl Strategy<Value = String> {
    let alphabet = proptest::sample::select(b"ABCDEIQYaghwz019-_.~".to_vec());
    let change = (0_usize..4, any::<proptest::sample::Index>(), alphabet);
    proptest::collection::vec(change, 0..4).prop_map(move |changes| {
        let mut bytes = text.clone().into_bytes();
        for (kind, place, character) in changes {
            let at = place.index(bytes.len() + 1);
            match kind {
                0 if at < bytes.len() => bytes[at] = character,
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 => bytes.insert(at, character),
                _ => bytes.truncate(at),
            }
        }
        String::from_utf8(bytes).unwrap()
    })
}
