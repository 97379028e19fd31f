//! A row ready to be sent, packed: the window of the shuffle keeps many of them, and each is moved several
//! times before it is written.

use jiff::Timestamp;
use tamis_protocols::consent::{Basis, ConsentRecord, Details, Purposes};
use tamis_protocols::token::Token;

/// A row in 96 bytes, and what few rows have in one piece of memory more.
pub struct PreparedRow {
    /// By identifier type.
    pub tokens: [Option<Token>; 3],
    basis: Option<Basis>,
    opposed: bool,
    purposes: Purposes,
    /// In whole seconds, which are all that counts.
    given_at: Option<i64>,
    /// Texts of the consent, then segments, then what else its consent says, then cookies, then tokens of
    /// another collaboration, each with its length before it; empty without any.
    rest: Box<[u8]>,
}

/// A row as it is written. Used again for row after row, so that its memory is.
#[derive(Default)]
pub struct Unpacked<'a> {
    /// What it says about its consent.
    pub consent: ConsentRecord,
    /// Positions of its labels.
    pub segments: Vec<u16>,
    /// One entry per destination.
    pub cookies: Vec<Option<&'a [u8]>>,
    /// Tokens of another collaboration, by identifier type.
    pub bridged: [Option<Token>; 3],
}

impl PreparedRow {
    /// Packs a row: its tokens, those of another collaboration, texts of at most 256 bytes, segments by
    /// position, cookies of at most 63 bytes, none of them empty, by destination.
    pub fn new(
        tokens: [Option<Token>; 3],
        bridged: [Option<Token>; 3],
        consent: &ConsentRecord,
        segments: &[u16],
        cookies: &[Option<&[u8]>],
    ) -> PreparedRow {
        let texts = [&consent.notice_version, &consent.source].map(Option::as_deref);
        let plain = texts == [None; 2]
            && consent.more.is_none()
            && segments.is_empty()
            && cookies.iter().all(Option::is_none)
            && bridged.iter().all(Option::is_none);
        PreparedRow {
            tokens,
            basis: consent.basis,
            opposed: consent.opposed,
            purposes: consent.purposes,
            given_at: consent.given_at.map(Timestamp::as_second),
            rest: match plain {
                true => Box::default(),
                false => packed(texts, segments, cookies, bridged, consent.more.as_deref()),
            },
        }
    }

    /// Looks at the row from its first field to its last, for nothing but to have it fetched.
    pub fn glance(&self) -> u8 {
        self.rest.len() as u8 ^ self.opposed as u8 ^ self.tokens[1].is_some() as u8
    }

    /// Puts the row into `row`; it has cookies of `destinations` destinations.
    pub fn unpack<'a>(&'a self, destinations: usize, row: &mut Unpacked<'a>) {
        let mut rest = &*self.rest;
        row.consent.basis = self.basis;
        row.consent.opposed = self.opposed;
        row.consent.purposes = self.purposes;
        let at = |second| Timestamp::from_second(second).ok();
        row.consent.given_at = self.given_at.and_then(at);
        for text in [&mut row.consent.notice_version, &mut row.consent.source] {
            match number(&mut rest) {
                0 => *text = None,
                one_more => {
                    let read = bytes(&mut rest, usize::from(one_more) - 1);
                    let text = text.get_or_insert_default();
                    text.clear();
                    text.push_str(std::str::from_utf8(read).unwrap_or_default());
                }
            }
        }
        row.segments.clear();
        for _ in 0..number(&mut rest) {
            row.segments.push(number(&mut rest));
        }
        row.consent.more = match number(&mut rest) {
            0 => None,
            // They were written here; if they were not, nobody may use the row.
            length => match ConsentRecord::from_bytes(bytes(&mut rest, usize::from(length))) {
                Ok(record) => record.more,
                Err(_) => Some(Box::new(Details {
                    recipients: Some(Vec::new()),
                    ..Details::NONE
                })),
            },
        };
        row.cookies.clear();
        for _ in 0..destinations {
            let length = usize::from(number(&mut rest));
            let cookie = bytes(&mut rest, length);
            row.cookies.push((length > 0).then_some(cookie));
        }
        row.bridged = [(); 3].map(|()| {
            let length = usize::from(number(&mut rest));
            bytes(&mut rest, length).try_into().ok().map(Token)
        });
    }
}

fn packed(
    texts: [Option<&str>; 2],
    segments: &[u16],
    cookies: &[Option<&[u8]>],
    bridged: [Option<Token>; 3],
    more: Option<&Details>,
) -> Box<[u8]> {
    let mut out = Vec::with_capacity(128);
    // Texts, segments and cookies are checked before: their lengths fit.
    let mut put = |number: usize, bytes: &[u8]| {
        out.extend((number as u16).to_le_bytes());
        out.extend_from_slice(bytes);
    };
    for text in texts {
        put(
            text.map_or(0, |text| text.len() + 1),
            text.unwrap_or_default().as_bytes(),
        );
    }
    put(segments.len(), &[]);
    segments
        .iter()
        .for_each(|segment| put(usize::from(*segment), &[]));
    // As a record with nothing else. A row that is sent alone has no cookies after it.
    let alone = more.map(|details| {
        let record = ConsentRecord {
            more: Some(Box::new(details.clone())),
            ..ConsentRecord::default()
        };
        record.to_bytes()
    });
    let alone = alone.unwrap_or_default();
    put(alone.len(), &alone);
    for cookie in cookies {
        let cookie = cookie.unwrap_or_default();
        put(cookie.len(), cookie);
    }
    if bridged.iter().any(Option::is_some) {
        for token in &bridged {
            let token = token.as_ref().map_or(&[][..], |token| &token.0);
            put(token.len(), token);
        }
    }
    out.into_boxed_slice()
}

/// The next number; 0 at the end, where nothing was packed.
fn number(rest: &mut &[u8]) -> u16 {
    match rest.split_first_chunk::<2>() {
        Some((number, after)) => {
            *rest = after;
            u16::from_le_bytes(*number)
        }
        None => 0,
    }
}

fn bytes<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (bytes, after) = rest.split_at_checked(count).unwrap_or_default();
    *rest = after;
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_row_is_small() {
        assert!(size_of::<PreparedRow>() <= 96);
    }

    proptest! {
        #[test]
        fn a_row_is_unpacked_as_it_was_packed_whatever_was_before(
            rows in proptest::collection::vec((
                proptest::array::uniform3(proptest::option::of(any::<[u8; 16]>())),
                (proptest::option::of(0..6_usize), any::<u32>(), proptest::option::of(-1_000..1_000_i64), any::<bool>()),
                proptest::array::uniform2(proptest::option::of("\\PC{0,64}")),
                proptest::collection::vec(any::<u16>(), 0..4),
                proptest::array::uniform2(proptest::option::of(proptest::collection::vec(any::<u8>(), 1..64))),
            ), 1..6),
        ) {
            let packed: Vec<PreparedRow> = rows.iter().map(|(tokens, consent, texts, segments, cookies)| {
                let cookies = cookies.each_ref().map(Option::as_deref);
                PreparedRow::new(tokens.map(|token| token.map(Token)), bridged_of(tokens, consent.3), &record(consent, texts), segments, &cookies)
            }).collect();
            let mut row = Unpacked::default();
            for (packed, (tokens, consent, texts, segments, cookies)) in packed.iter().zip(&rows) {
                packed.unpack(2, &mut row);
                prop_assert_eq!(&row.consent, &record(consent, texts));
                prop_assert_eq!(&row.segments, segments);
                prop_assert_eq!(&row.cookies, &cookies.each_ref().map(Option::as_deref));
                prop_assert!(row.bridged == bridged_of(tokens, consent.3));
                prop_assert!(packed.tokens == tokens.map(|token| token.map(Token)));
            }
        }
    }

    /// Of some rows, the same in another order for the other collaboration.
    fn bridged_of([one, two, three]: &[Option<[u8; 16]>; 3], bridges: bool) -> [Option<Token>; 3] {
        [two, three, one].map(|token| token.filter(|_| bridges).map(Token))
    }

    fn record(
        (basis, purposes, at, opposed): &(Option<usize>, u32, Option<i64>, bool),
        [notice, source]: &[Option<String>; 2],
    ) -> ConsentRecord {
        ConsentRecord {
            basis: basis.map(|basis| Basis::ALL[basis]),
            purposes: Purposes(*purposes),
            given_at: at.map(|at| Timestamp::from_second(at).unwrap()),
            notice_version: notice.clone(),
            source: source.clone(),
            opposed: *opposed,
            more: (*purposes % 3 == 0).then(|| {
                Box::new(Details {
                    recipients: Some(vec!["dsp-a".to_owned()]),
                    journey: notice.clone(),
                    valid_until: at.map(|at| Timestamp::from_second(at + 1).unwrap()),
                    ..Details::NONE
                })
            }),
        }
    }
}
