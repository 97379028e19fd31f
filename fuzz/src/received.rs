//! What comes over the network: uploads, expressions, terms, deliveries, sealed values; and what is left of
//! them for later decisions.

use std::io::Cursor;
use std::sync::atomic::AtomicBool;

use jiff::civil::date;
use roaring::RoaringBitmap;
use tamis::sets::{SealJob, SealedSet, seal};
use tamis_keys::envelope::{self, WrappedKey};
use tamis_protocols::consent::{ConsentRecord, ConsentRule};
use tamis_protocols::identifier::{IdentifierType, Profile};
use tamis_protocols::intersection::Expression;
use tamis_protocols::release::Emitted;
use tamis_protocols::wire::api::AudienceUse;
use tamis_protocols::wire::batch::{
    BatchBuilder, BatchReader, Row, StreamDecoder, StreamEncoder, UploadKind, WireHeader,
};
use tamis_protocols::wire::delivery::{Audience, Context, Kind, Member, MembersChanged, Message};
use tamis_protocols::wire::terms::{Destination, Terms};

use crate::rows::{Seeded, expectation, header, identifiers, key, token, upload};

/// Uploads of either side, small ones and one of more than one batch.
pub(crate) fn uploads() -> Vec<Vec<u8>> {
    let ranges = [0..1, 0..40, 20..60, 0..0, 0..9000];
    let kinds = [UploadKind::Crm, UploadKind::Graph];
    let both = kinds
        .into_iter()
        .flat_map(|kind| ranges.clone().map(|range| upload(kind, range)));
    let small = both.filter(|bytes| bytes.len() < 400_000);
    let more = bridging().into_iter().chain(crate::consent::upload());
    small.chain(more).collect()
}

/// A graph of a few rows that carry tokens of two collaborations; none if it cannot be written.
fn bridging() -> Option<Vec<u8>> {
    let header = WireHeader {
        bridge: Some("f".repeat(32)),
        ..header(UploadKind::Graph)
    };
    let mut builder = BatchBuilder::new(&header).ok()?;
    for n in 0..3 {
        let (email, phone) = identifiers(n);
        let row = Row {
            tokens: [Some(email), phone, None],
            consent: &ConsentRecord::default(),
            segments: &[],
            cookies: &[None, None],
        };
        builder
            .push_bridged(&row, [Some(token(7, n)), None, None])
            .ok()?;
    }
    let mut encoder = StreamEncoder::new(Vec::new(), &header).ok()?;
    encoder.write(&builder.finish().ok()?).ok()?;
    encoder.finish().ok()
}

/// Looks at every value of every row.
pub(crate) fn wire(data: &[u8]) -> bool {
    let Ok(mut decoder) = StreamDecoder::new(data) else {
        return false;
    };
    let header = decoder.header().clone();
    let mut record = ConsentRecord::default();
    loop {
        let batch = match decoder.next_batch() {
            Ok(Some(batch)) => batch,
            end => return end.is_ok(),
        };
        let Ok(rows) = BatchReader::new(&batch, &header) else {
            return false;
        };
        for row in 0..rows.len() {
            rows.tokens(row);
            rows.bridged(row);
            rows.consent_into(row, &mut record);
            let segments = rows.segments(row);
            assert!(
                segments
                    .iter()
                    .all(|at| usize::from(*at) < header.segments.len())
            );
            for at in 0..header.labels.len() {
                rows.cookie(row, at);
            }
        }
    }
}

/// What sealing accepts is a set that opens and verifies; what it refuses leaves nothing.
pub(crate) fn ingest(data: &[u8]) -> bool {
    let place = tempfile::tempdir_in(crate::place()).expect("a directory");
    let dir = place.path().join("set");
    // Either side's terms, so that both kinds get past the first look.
    let (kind, bridge) = match StreamDecoder::new(data) {
        Ok(decoder) => (decoder.header().kind, decoder.header().bridge.clone()),
        Err(_) => (UploadKind::Crm, None),
    };
    let sealed = seal(SealJob {
        source: Box::new(Cursor::new(data.to_vec())),
        dir: &dir,
        key: &key("fuzz"),
        set_id: "fuzz",
        ledger: None,
        expect: expectation(&WireHeader {
            bridge,
            ..header(kind)
        }),
        memory: 0,
        entropy: &Seeded::new(3),
        threads: 1,
        parent: None,
        progress: &|_| {},
        cancel: &AtomicBool::new(false),
    });
    match sealed {
        Ok(report) => {
            let set = SealedSet::open(&dir, &key("fuzz"), "fuzz").expect("a set that opens");
            set.verify().expect("a set that verifies");
            assert_eq!(*set.report(), report);
            true
        }
        Err(_) => {
            let mut left = std::fs::read_dir(place.path()).expect("a directory");
            assert!(
                left.next().is_none(),
                "a refused upload left something behind"
            );
            false
        }
    }
}

pub(crate) fn expressions() -> Vec<Vec<u8>> {
    let texts = [
        "all",
        "loyalty in (silver, gold, platinum)",
        "loyalty = platinum and status = inactive",
        "not (a = 1 or b in (2, 3)) and all",
        r#"name = "a \"quoted\" \\ value" or not not not all"#,
        "((((((((((a=b))))))))))",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

/// The canonical form parses to the same, and selects the same rows.
pub(crate) fn expression(data: &[u8]) -> bool {
    let Some(parsed) = text(data).and_then(|text| Expression::parse(text).ok()) else {
        return false;
    };
    let canonical = parsed.to_string();
    // The canonical form of a long expression may be longer than what is parsed.
    if let Ok(again) = Expression::parse(&canonical) {
        assert_eq!(again.to_string(), canonical);
        let all: RoaringBitmap = (0..20).collect();
        let some: RoaringBitmap = (3..9).collect();
        let segment = |label: &str| label.len().is_multiple_of(2).then_some(&some);
        assert_eq!(
            again.evaluate(&all, &segment),
            parsed.evaluate(&all, &segment)
        );
    } else {
        assert!(
            canonical.len() > 4096,
            "a canonical form that does not parse"
        );
    }
    true
}

pub(crate) fn all_terms() -> Vec<Vec<u8>> {
    let terms = Terms {
        version: 2,
        nonce: "00112233445566778899aabbccddeeff".to_owned(),
        advertiser: "shop".to_owned(),
        partner: "graphs".to_owned(),
        protocol: "keyed".to_owned(),
        profile: Profile::Onboarding1,
        identifiers: vec![IdentifierType::Email, IdentifierType::Phone],
        epoch: 1,
        destinations: vec![
            Destination::new("dsp-a", Some(&[9; 32])),
            Destination::new("dmp-b", None),
        ],
        release: tamis_protocols::release::Policy::floor(),
        crm_rows: None,
        advertiser_consent: ConsentRule::advertiser(),
        partner_consent: ConsentRule::partner(),
        expires: date(2027, 11, 22),
        residency: Some("eu".to_owned()),
    };
    vec![serde_json::to_vec(&terms).expect("terms")]
}

/// Terms that are read are written and read again the same.
pub(crate) fn terms(data: &[u8]) -> bool {
    let Ok(read) = serde_json::from_slice::<Terms>(data) else {
        return false;
    };
    assert!(read.destination_names().count() == read.destinations.len());
    read.destinations
        .iter()
        .for_each(|one| _ = one.means(Some(&[9; 32])));
    let written = serde_json::to_vec(&read).expect("terms");
    let again: Terms = serde_json::from_slice(&written).expect("terms that are read again");
    assert_eq!(serde_json::to_vec(&again).expect("terms"), written);
    true
}

pub(crate) fn messages() -> Vec<Vec<u8>> {
    let member = |n: u8| match n % 2 {
        0 => Member::Open(format!("cookie-{n}")),
        _ => Member::Sealed {
            context: 0,
            label: Box::new([n; 88]),
        },
    };
    let message = Message {
        kind: Kind::MembersChanged,
        timestamp: "2026-11-22T09:00:00Z".to_owned(),
        data: MembersChanged {
            audience: Audience {
                id: "00112233445566778899aabbccddeeff".to_owned(),
                name: "loyal".to_owned(),
                purpose: AudienceUse::Target,
            },
            collaboration: "0123456789abcdef0123456789abcdef".to_owned(),
            destination: "dsp-a".to_owned(),
            delivery: "ffeeddccbbaa99887766554433221100".to_owned(),
            sequence: 0,
            last: true,
            contexts: vec![Context { enc: [8; 32] }],
            remove: (0..3).map(member).collect(),
            add: (3..9).map(member).collect(),
        },
    };
    vec![message.to_bytes().expect("a message")]
}

/// A message that is read is written and read again the same.
pub(crate) fn delivery(data: &[u8]) -> bool {
    let Ok(read) = Message::from_bytes(data) else {
        return false;
    };
    assert!(read.id().starts_with(&read.data.delivery));
    let written = read.to_bytes().expect("what was read is written");
    assert!(Message::from_bytes(&written).is_ok_and(|again| again == read));
    true
}

const OBJECT: &str = "webhook/dsp-a";

pub(crate) fn envelopes() -> Vec<Vec<u8>> {
    let wrapped = envelope::wrap(&kek(), &key("fuzz"), OBJECT, &Seeded::new(2));
    let sealed = envelope::seal(
        &key("fuzz"),
        b"a secret of 32 bytes, or so it is",
        OBJECT,
        &Seeded::new(4),
    );
    vec![wrapped.to_string().into_bytes(), sealed]
}

fn kek() -> tamis_keys::Secret<tamis_keys::purpose::KeyEncryption> {
    tamis_keys::Secret::from_bytes([4; 32])
}

/// Only what was sealed opens, and to what was sealed.
pub(crate) fn envelope(data: &[u8]) -> bool {
    let wrapped = text(data).and_then(|text| text.parse::<WrappedKey>().ok());
    let unwrapped = wrapped.and_then(|wrapped| envelope::unwrap(&kek(), &wrapped, OBJECT).ok());
    if let Some(unwrapped) = &unwrapped {
        assert!(unwrapped.ct_eq(&key("fuzz")));
    }
    let opened = envelope::open(&key("fuzz"), data, OBJECT).ok();
    if let Some(opened) = &opened {
        assert_eq!(opened.as_slice(), b"a secret of 32 bytes, or so it is");
    }
    unwrapped.is_some() || opened.is_some()
}

pub(crate) fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

pub(crate) fn all_emitted() -> Vec<Vec<u8>> {
    let sets = [
        RoaringBitmap::new(),
        RoaringBitmap::from_iter([0, 7, 70_000]),
        RoaringBitmap::from_iter(0..70_000),
        RoaringBitmap::from_iter((0..200_000).step_by(7)),
    ];
    let stored = |set: &RoaringBitmap| {
        let mut bytes = Vec::new();
        set.serialize_into(&mut bytes).expect("written");
        bytes
    };
    sets.iter().map(stored).collect()
}

/// What is read is written so that it reads the same.
pub(crate) fn emitted(data: &[u8]) -> bool {
    let Ok(read) = Emitted::from_stored(data) else {
        return false;
    };
    let stored = read.to_stored();
    let again = Emitted::from_stored(&stored).expect("what was written");
    assert_eq!(again.to_stored(), stored);
    assert!(again.persons().is_within(read.persons()) && read.persons().is_within(again.persons()));
    true
}
