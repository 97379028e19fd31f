#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::Timestamp;
use proptest::prelude::*;
use serde::Deserialize;

use super::super::*;

pub(in crate::consent) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// A record with every field.
pub(in crate::consent) fn full() -> ConsentRecord {
    ConsentRecord {
        basis: Some(Basis::Consent),
        purposes: Purposes(0b1101),
        given_at: Some(at(1_777_957_200)),
        notice_version: Some("v4.0".to_owned()),
        source: Some("app".to_owned()),
        opposed: true,
        more: Some(Box::new(Details {
            interests: Purposes(0b10),
            record_id: Some("r-1".to_owned()),
            recipients: Some(vec!["dsp-a".to_owned(), "gvl:28".to_owned()]),
            notice_hash: Some([7; 32]),
            language: Some("fr-FR".to_owned()),
            journey: Some("checkout/2".to_owned()),
            jurisdiction: Some("FR-IDF".to_owned()),
            valid_until: Some(at(1_800_000_000)),
            history: vec![
                ConsentEvent {
                    state: ConsentState::Given,
                    at: at(1_777_957_200),
                },
                ConsentEvent {
                    state: ConsentState::Narrowed,
                    at: at(1_777_957_201),
                },
            ],
        })),
    }
}

#[derive(Deserialize)]
struct Vectors {
    records: Vec<Written>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
struct Written {
    salt: String,
    record: Fields,
    bytes: String,
    commitment: String,
}

#[derive(Deserialize)]
struct Refused {
    because: String,
    bytes: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    basis: u8,
    purposes: u32,
    given_at: Option<i64>,
    notice_version: Option<String>,
    source: Option<String>,
    opposed: bool,
    interests: u32,
    record_id: Option<String>,
    recipients: Option<Vec<String>>,
    notice_hash: Option<String>,
    language: Option<String>,
    journey: Option<String>,
    jurisdiction: Option<String>,
    valid_until: Option<i64>,
    history: Vec<(ConsentState, i64)>,
}

impl From<Fields> for ConsentRecord {
    fn from(fields: Fields) -> ConsentRecord {
        let hash = |hash: String| hex::decode(hash).unwrap().try_into().unwrap();
        let event = |(state, seconds)| ConsentEvent {
            state,
            at: at(seconds),
        };
        ConsentRecord {
            basis: Basis::from_code(fields.basis),
            purposes: Purposes(fields.purposes),
            given_at: fields.given_at.map(at),
            notice_version: fields.notice_version,
            source: fields.source,
            opposed: fields.opposed,
            more: Some(Box::new(Details {
                interests: Purposes(fields.interests),
                record_id: fields.record_id,
                recipients: fields.recipients,
                notice_hash: fields.notice_hash.map(hash),
                language: fields.language,
                journey: fields.journey,
                jurisdiction: fields.jurisdiction,
                valid_until: fields.valid_until.map(at),
                history: fields.history.into_iter().map(event).collect(),
            })),
        }
    }
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../vectors/records.json")).unwrap()
}

#[test]
fn bytes_and_commitments_equal_an_independent_computation() {
    for vector in vectors().records {
        let salt: [u8; 32] = hex::decode(&vector.salt).unwrap().try_into().unwrap();
        let record = ConsentRecord::from(vector.record);
        assert_eq!(hex::encode(record.to_bytes()), vector.bytes);
        assert_eq!(hex::encode(commitment(&salt, &record)), vector.commitment);
        let read = ConsentRecord::from_bytes(&hex::decode(&vector.bytes).unwrap());
        assert_eq!(read, Ok(record));
    }
}

#[test]
fn bytes_that_are_no_record_are_refused() {
    for vector in vectors().refused {
        let read = ConsentRecord::from_bytes(&hex::decode(&vector.bytes).unwrap());
        assert_eq!(read, Err(NotCanonical), "{}", vector.because);
    }
}

#[test]
fn a_record_without_details_takes_seven_bytes_and_its_fields() {
    assert_eq!(ConsentRecord::default().to_bytes(), [0; 7]);
    let mut usual = full();
    (usual.more, usual.opposed) = (None, false);
    assert_eq!(usual.to_bytes().len(), 7 + 8 + 2 + 4 + 2 + 3);
}

#[test]
fn known_nothing_and_nothing_known_are_one_record() {
    let mut known = ConsentRecord::default();
    let _ = known.details_mut();
    assert_eq!(known, ConsentRecord::default());
    assert_eq!(known.to_bytes(), ConsentRecord::default().to_bytes());
}

#[test]
fn no_byte_of_a_record_can_be_changed_added_or_left_out_unseen() {
    let bytes = full().to_bytes();
    for place in 0..bytes.len() {
        assert!(ConsentRecord::from_bytes(&bytes[..place]).is_err());
        for bit in 0..8 {
            let mut forged = bytes.clone();
            forged[place] ^= 1 << bit;
            if let Ok(other) = ConsentRecord::from_bytes(&forged) {
                assert_ne!(other, full());
                assert_eq!(other.to_bytes(), forged);
            }
        }
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(ConsentRecord::from_bytes(&longer), Err(NotCanonical));
}

/// Puts a field out of its range.
type Spoil = Box<dyn Fn(&mut ConsentRecord)>;

#[test]
fn a_field_outside_its_range_is_named_and_never_read() {
    let text = |length: usize| Some("x".repeat(length));
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let event = |state, seconds| ConsentEvent {
        state,
        at: at(seconds),
    };
    let cases: Vec<(&str, Spoil)> = vec![
        ("purposes", Box::new(|r| r.purposes = Purposes(1 << 24))),
        (
            "notice_version",
            Box::new(move |r| r.notice_version = text(257)),
        ),
        ("source", Box::new(move |r| r.source = text(257))),
        (
            "interests",
            Box::new(|r| r.details_mut().interests = Purposes(1 << 31)),
        ),
        (
            "record_id",
            Box::new(move |r| r.details_mut().record_id = text(65)),
        ),
        (
            "record_id",
            Box::new(move |r| r.details_mut().record_id = text(0)),
        ),
        (
            "recipients",
            Box::new(move |r| r.details_mut().recipients = names(&["b", "a"])),
        ),
        (
            "recipients",
            Box::new(move |r| r.details_mut().recipients = names(&["a", "a"])),
        ),
        (
            "recipients",
            Box::new(move |r| r.details_mut().recipients = names(&["A"])),
        ),
        (
            "recipients",
            Box::new(move |r| r.details_mut().recipients = names(&[""])),
        ),
        (
            "recipients",
            Box::new(|r| {
                r.details_mut().recipients = Some((10..43).map(|n| format!("gvl:{n}")).collect());
            }),
        ),
        (
            "language",
            Box::new(|r| r.details_mut().language = Some("french language".to_owned())),
        ),
        (
            "language",
            Box::new(|r| r.details_mut().language = Some("fr-".to_owned())),
        ),
        (
            "journey",
            Box::new(move |r| r.details_mut().journey = text(257)),
        ),
        (
            "jurisdiction",
            Box::new(|r| r.details_mut().jurisdiction = Some("fr".to_owned())),
        ),
        (
            "jurisdiction",
            Box::new(|r| r.details_mut().jurisdiction = Some("US-".to_owned())),
        ),
        (
            "history",
            Box::new(move |r| {
                r.details_mut().history = vec![
                    event(ConsentState::Given, 2),
                    event(ConsentState::Refreshed, 1),
                ];
            }),
        ),
        (
            "history",
            Box::new(move |r| {
                r.details_mut().history = vec![event(ConsentState::Given, 2); 33];
            }),
        ),
    ];
    assert_eq!(full().check(), Ok(()));
    for (field, spoil) in cases {
        let mut record = full();
        spoil(&mut record);
        assert_eq!(record.check(), Err(BadRecord(field)), "{field}");
        let read = ConsentRecord::from_bytes(&record.to_bytes());
        assert_eq!(read, Err(NotCanonical), "{field}");
    }
}

#[test]
fn states_have_one_word_and_one_number() {
    for state in ConsentState::ALL {
        assert_eq!(ConsentState::parse(state.as_str()), Some(state));
        assert_eq!(ConsentState::from_code(state.code()), Some(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
    }
    assert_eq!(ConsentState::from_code(0), None);
    assert_eq!(ConsentState::parse("maybe"), None);
}

fn time() -> impl Strategy<Value = Timestamp> {
    (-377_705_023_201_i64..=253_402_207_200).prop_map(at)
}

fn details() -> impl Strategy<Value = Details> {
    use proptest::option::of;
    let first = (
        0_u32..1 << 24,
        of("[!-~]{1,64}"),
        of(proptest::collection::btree_set("[a-z0-9:.-]{1,64}", 0..33)),
        of(any::<[u8; 32]>()),
        of("[a-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}"),
    );
    let second = (
        of("\\PC{0,60}"),
        of("[A-Z]{2}(-[A-Z0-9]{1,3})?"),
        of(time()),
        proptest::collection::vec((0_usize..6, time()), 0..33),
    );
    (first, second).prop_map(
        |(
            (interests, id, recipients, hash, language),
            (journey, jurisdiction, until, mut events),
        )| {
            events.sort_by_key(|(_, at)| *at);
            let event = |(state, at): (usize, Timestamp)| ConsentEvent {
                state: ConsentState::ALL[state],
                at,
            };
            Details {
                interests: Purposes(interests),
                record_id: id,
                recipients: recipients.map(|names| names.into_iter().collect()),
                notice_hash: hash,
                language,
                journey,
                jurisdiction,
                valid_until: until,
                history: events.into_iter().map(event).collect(),
            }
        },
    )
}

/// Any record in its range.
pub(in crate::consent) fn records() -> impl Strategy<Value = ConsentRecord> {
    let texts = proptest::array::uniform2(proptest::option::of("\\PC{0,60}"));
    let first = (
        0_u8..7,
        0_u32..1 << 24,
        proptest::option::of(time()),
        any::<bool>(),
    );
    (first, texts, proptest::option::of(details())).prop_map(
        |((basis, purposes, given_at, opposed), [notice_version, source], more)| ConsentRecord {
            basis: Basis::from_code(basis),
            purposes: Purposes(purposes),
            given_at,
            notice_version,
            source,
            opposed,
            more: more.map(Box::new),
        },
    )
}

proptest! {
    #[test]
    fn every_record_is_read_back_from_its_bytes(record in records()) {
        prop_assert_eq!(record.check(), Ok(()));
        prop_assert_eq!(ConsentRecord::from_bytes(&record.to_bytes()), Ok(record));
    }

    #[test]
    fn whatever_is_read_has_these_bytes_alone(
        record in records(), place in any::<prop::sample::Index>(), byte in any::<u8>(), noise in any::<Vec<u8>>(),
    ) {
        let mut bytes = record.to_bytes();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        for bytes in [&bytes[..], &noise[..]] {
            if let Ok(read) = ConsentRecord::from_bytes(bytes) {
                prop_assert_eq!(read.to_bytes(), bytes);
            }
        }
    }
}
