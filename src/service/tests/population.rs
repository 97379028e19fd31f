//! Made-up people, as both sides' uploads.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use tamis_protocols::consent::{Basis, ConsentRecord, Purposes};
use tamis_protocols::identifier::IdentifierType;
use tamis_protocols::token::Token;
use tamis_protocols::wire::batch::{
    BatchBuilder, ConsentField, CookieCell, Row, StreamEncoder, UploadKind, UploadMode, WireHeader,
};

/// Somebody whom both sides know, with one cookie at each destination.
#[derive(Clone, Copy)]
pub(super) struct Person {
    pub number: u32,
    /// `loyalty=gold` if set; everybody has `all=yes`.
    pub gold: bool,
    /// When the partner got consent.
    pub consent: Date,
}

impl Person {
    /// People `0..count`, of whom those below `gold` are gold.
    pub(super) fn many(count: u32, gold: u32) -> Vec<Person> {
        (0..count)
            .map(|number| Person {
                number,
                gold: number < gold,
                consent: "2026-06-01".parse().unwrap(),
            })
            .collect()
    }

    pub(super) fn token(&self) -> Token {
        let mut token = [0; 16];
        token.copy_from_slice(&Sha256::digest(self.number.to_be_bytes())[..16]);
        Token(token)
    }

    /// The cookie at `dmp-b`, which is in the open.
    pub(super) fn cookie(&self) -> String {
        format!("cookie-{}", self.number)
    }
}

fn header(kind: UploadKind, collaboration: &str) -> WireHeader {
    let crm = kind == UploadKind::Crm;
    let segments = ["all=yes", "loyalty=gold"].map(str::to_owned);
    WireHeader {
        kind,
        collaboration: collaboration.to_owned(),
        epoch: 1,
        mode: UploadMode::Full,
        bridge: None,
        consent: Vec::new(),
        identifiers: vec![IdentifierType::Email],
        segments: if crm { segments.to_vec() } else { Vec::new() },
        labels: match crm {
            true => BTreeMap::new(),
            false => BTreeMap::from([
                ("dmp-b".to_owned(), None),
                ("dsp-a".to_owned(), Some([8; 32])),
            ]),
        },
    }
}

fn consent(day: Date) -> ConsentRecord {
    let at = day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap();
    ConsentRecord {
        basis: Some(Basis::Consent),
        purposes: Purposes(0b1101),
        given_at: Some(at.timestamp()),
        notice_version: None,
        source: None,
        opposed: false,
        more: None,
    }
}

/// The advertiser's upload.
pub(super) fn crm(collaboration: &str, persons: &[Person]) -> Vec<u8> {
    crm_of(collaboration, persons, &Person::token)
}

/// Rows of either side's full upload, at least: for an advertiser half as many again as the floor, so that
/// some may leave.
pub(super) const CROWD: u32 = 1_500;

/// The persons, and as many whom the other side does not know as make a full upload with an ordinary match
/// rate.
fn in_a_crowd(kind: UploadKind, persons: &[Person]) -> Vec<Person> {
    let known = persons.len() as u32;
    let (first, least) = match kind {
        UploadKind::Crm => (1 << 31, known + known / 10),
        UploadKind::Graph => (3 << 30, 2 * known),
    };
    let strangers = (known..CROWD.max(least)).map(|number| Person {
        number: first + number,
        gold: false,
        consent: "2026-06-01".parse().unwrap(),
    });
    persons.iter().copied().chain(strangers).collect()
}

/// The advertiser's upload with nobody else in it: too few are refused.
pub(super) fn crm_alone(collaboration: &str, persons: &[Person]) -> Vec<u8> {
    let header = header(UploadKind::Crm, collaboration);
    rows_of_crm(&header, persons, &Person::token)
}

/// The advertiser's upload with other tokens.
pub(super) fn crm_of(
    collaboration: &str,
    persons: &[Person],
    token: &dyn Fn(&Person) -> Token,
) -> Vec<u8> {
    let header = header(UploadKind::Crm, collaboration);
    let persons = in_a_crowd(UploadKind::Crm, persons);
    rows_of_crm(&header, &persons, token)
}

fn rows_of_crm(
    header: &WireHeader,
    persons: &[Person],
    token: &dyn Fn(&Person) -> Token,
) -> Vec<u8> {
    encode(header, persons, |builder, person| {
        let segments: &[u16] = if person.gold { &[0, 1] } else { &[0] };
        let row = Row {
            tokens: [Some(token(person)), None, None],
            consent: &consent(person.consent),
            segments,
            cookies: &[],
        };
        builder.push_row(&row).unwrap();
    })
}

/// The advertiser's upload, where each person's consent names the recipients that `used_at` says.
pub(super) fn crm_used_at(
    collaboration: &str,
    persons: &[Person],
    used_at: &dyn Fn(&Person) -> Option<Vec<String>>,
) -> Vec<u8> {
    let header = WireHeader {
        consent: vec![ConsentField::Recipients],
        ..header(UploadKind::Crm, collaboration)
    };
    let persons = in_a_crowd(UploadKind::Crm, persons);
    encode(&header, &persons, |builder, person| {
        let mut consent = consent(person.consent);
        if let Some(names) = used_at(person) {
            consent.details_mut().recipients = Some(names);
        }
        let row = Row {
            tokens: [Some(person.token()), None, None],
            consent: &consent,
            segments: &[0],
            cookies: &[],
        };
        builder.push_row(&row).unwrap();
    })
}

/// The partner's upload.
pub(super) fn graph(collaboration: &str, persons: &[Person]) -> Vec<u8> {
    graph_of(collaboration, persons, &Person::token)
}

/// The partner's upload with other tokens.
pub(super) fn graph_of(
    collaboration: &str,
    persons: &[Person],
    token: &dyn Fn(&Person) -> Token,
) -> Vec<u8> {
    let header = header(UploadKind::Graph, collaboration);
    let persons = in_a_crowd(UploadKind::Graph, persons);
    rows_of_graph(&header, &persons, token, u32::MAX)
}

/// The partner's upload with other tokens, which carries those of an earlier collaboration as well.
pub(super) fn bridged_graph(
    collaboration: &str,
    earlier: &str,
    persons: &[Person],
    token: &dyn Fn(&Person) -> Token,
) -> Vec<u8> {
    let header = WireHeader {
        bridge: Some(earlier.to_owned()),
        ..header(UploadKind::Graph, collaboration)
    };
    let persons = in_a_crowd(UploadKind::Graph, persons);
    rows_of_graph(&header, &persons, token, u32::MAX)
}

/// The partner's upload with nobody else in it.
pub(super) fn graph_alone(collaboration: &str, persons: &[Person]) -> Vec<u8> {
    cookied(collaboration, persons, u32::MAX)
}

/// The same, and only persons numbered below `sealed` have a cookie at `dsp-a`.
pub(super) fn cookied(collaboration: &str, persons: &[Person], sealed: u32) -> Vec<u8> {
    let header = header(UploadKind::Graph, collaboration);
    rows_of_graph(&header, persons, &Person::token, sealed)
}

/// A delta of either side: rows that are added, or tokens that are removed.
pub(super) fn delta(
    kind: UploadKind,
    mode: UploadMode,
    collaboration: &str,
    persons: &[Person],
) -> Vec<u8> {
    let mut header = WireHeader {
        mode,
        ..header(kind, collaboration)
    };
    if mode == UploadMode::Remove {
        header.segments.clear();
        header.labels.clear();
        return encode(&header, persons, |builder, person| {
            let row = Row {
                tokens: [Some(person.token()), None, None],
                consent: &ConsentRecord::default(),
                segments: &[],
                cookies: &[],
            };
            builder.push_row(&row).unwrap();
        });
    }
    match kind {
        UploadKind::Crm => rows_of_crm(&header, persons, &Person::token),
        UploadKind::Graph => rows_of_graph(&header, persons, &Person::token, u32::MAX),
    }
}

fn rows_of_graph(
    header: &WireHeader,
    persons: &[Person],
    token: &dyn Fn(&Person) -> Token,
    sealed: u32,
) -> Vec<u8> {
    encode(header, persons, |builder, person| {
        let open = person.cookie();
        let mut tag = [0; 16];
        tag[..4].copy_from_slice(&person.number.to_be_bytes());
        let mut label = [0; 88];
        label[..4].copy_from_slice(&person.number.to_be_bytes());
        let row = Row {
            tokens: [Some(token(person)), None, None],
            consent: &consent(person.consent),
            segments: &[],
            cookies: &[
                Some(CookieCell {
                    tag,
                    cookie: open.as_bytes(),
                }),
                (person.number < sealed).then_some(CookieCell {
                    tag,
                    cookie: &label,
                }),
            ],
        };
        let earlier = header.bridge.as_ref().map(|_| person.token());
        builder.push_bridged(&row, [earlier, None, None]).unwrap();
    })
}

fn encode(
    header: &WireHeader,
    persons: &[Person],
    push: impl Fn(&mut BatchBuilder, &Person),
) -> Vec<u8> {
    let mut encoder = StreamEncoder::new(Vec::new(), header).unwrap();
    for chunk in persons.chunks(10_000) {
        let mut builder = BatchBuilder::new(header).unwrap();
        chunk.iter().for_each(|person| push(&mut builder, person));
        encoder.write(&builder.finish().unwrap()).unwrap();
    }
    encoder.finish().unwrap()
}
