//! Consent records: their canonical bytes, and uploads whose rows have every column of them.

use jiff::Timestamp;
use tamis_protocols::consent::{
    Basis, ConsentEvent, ConsentRecord, ConsentState, Details, Purposes,
};
use tamis_protocols::wire::batch::{
    BatchBuilder, ConsentField, Row, StreamEncoder, UploadKind, WireHeader,
};

use crate::rows::{header, identifiers};

fn some_records() -> Vec<ConsentRecord> {
    let at = |seconds| Timestamp::from_second(seconds).ok();
    let event = |(state, seconds)| {
        let at = Timestamp::from_second(seconds).expect("a time");
        ConsentEvent { state, at }
    };
    let usual = ConsentRecord {
        basis: Some(Basis::Consent),
        purposes: Purposes(0b1101),
        given_at: at(1_777_957_200),
        notice_version: Some("v4.0".to_owned()),
        source: Some("app".to_owned()),
        opposed: false,
        more: None,
    };
    let full = ConsentRecord {
        more: Some(Box::new(Details {
            interests: Purposes(2),
            record_id: Some("r-1".to_owned()),
            recipients: Some(vec!["dsp-a".to_owned(), "gvl:28".to_owned()]),
            notice_hash: Some([7; 32]),
            language: Some("fr-FR".to_owned()),
            journey: Some("checkout".to_owned()),
            jurisdiction: Some("FR-IDF".to_owned()),
            valid_until: at(1_800_000_000),
            history: [
                (ConsentState::Given, 1_777_957_200),
                (ConsentState::Narrowed, 1_777_957_300),
            ]
            .map(event)
            .to_vec(),
        })),
        ..usual.clone()
    };
    vec![ConsentRecord::default(), usual, full]
}

pub(crate) fn records() -> Vec<Vec<u8>> {
    let records = some_records();
    records.iter().map(ConsentRecord::to_bytes).collect()
}

/// What is read has these bytes and no others.
pub(crate) fn record(data: &[u8]) -> bool {
    let Ok(read) = ConsentRecord::from_bytes(data) else {
        return false;
    };
    assert_eq!(read.to_bytes(), data);
    assert_eq!(read.check(), Ok(()));
    true
}

/// An upload of rows with every column of consent; none if it cannot be written.
pub(crate) fn upload() -> Option<Vec<u8>> {
    let header = WireHeader {
        consent: ConsentField::ALL.to_vec(),
        ..header(UploadKind::Crm)
    };
    let mut builder = BatchBuilder::new(&header).ok()?;
    for (n, consent) in (0..).zip(&some_records()) {
        let (email, phone) = identifiers(n);
        let row = Row {
            tokens: [Some(email), phone, None],
            consent,
            segments: &[],
            cookies: &[],
        };
        builder.push_row(&row).ok()?;
    }
    let mut encoder = StreamEncoder::new(Vec::new(), &header).ok()?;
    encoder.write(&builder.finish().ok()?).ok()?;
    encoder.finish().ok()
}
