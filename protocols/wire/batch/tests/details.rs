//! The optional columns of consent.

use arrow_array::{BinaryArray, FixedSizeBinaryArray, Int64Array};
use jiff::Timestamp;

use super::*;
use crate::consent::{ConsentEvent, ConsentState, Details};

pub(super) fn header() -> WireHeader {
    WireHeader {
        consent: ConsentField::ALL.to_vec(),
        ..crm_header()
    }
}

fn full() -> Details {
    let at = |seconds| Timestamp::from_second(seconds).unwrap();
    let event = |state, seconds| ConsentEvent {
        state,
        at: at(seconds),
    };
    Details {
        interests: Purposes(0b10),
        record_id: Some("r-1".to_owned()),
        recipients: Some(vec!["dsp-a".to_owned(), "gvl:28".to_owned()]),
        notice_hash: Some([7; 32]),
        language: Some("fr-FR".to_owned()),
        journey: Some("checkout/2".to_owned()),
        jurisdiction: Some("FR-IDF".to_owned()),
        valid_until: Some(at(1_800_000_000)),
        history: vec![
            event(ConsentState::Given, 1_780_000_000),
            event(ConsentState::Narrowed, 1_790_000_000),
        ],
    }
}

/// Three rows: all is said, nothing is, and nobody may use it.
fn records() -> [ConsentRecord; 3] {
    let with = |details: Option<Details>| ConsentRecord {
        more: details.map(Box::new),
        ..consent()
    };
    let nobody = Details {
        recipients: Some(Vec::new()),
        ..Details::NONE
    };
    [with(Some(full())), with(None), with(Some(nobody))]
}

fn row(consent: &ConsentRecord) -> Row<'_> {
    Row {
        tokens: [Some(Token([1; 16])), None, None],
        consent,
        segments: &[],
        cookies: &[],
    }
}

pub(super) fn batch() -> RecordBatch {
    let mut builder = BatchBuilder::new(&header()).unwrap();
    for record in &records() {
        builder.push_row(&row(record)).unwrap();
    }
    builder.finish().unwrap()
}

/// Streams, and a part of the error that each must cause.
pub(super) fn failures() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let replaced = |name, column| with_column(&header(), &batch(), name, column);
    let texts =
        |first: &str| -> ArrayRef { Arc::new(StringArray::from(vec![Some(first), None, None])) };
    let times: ArrayRef = Arc::new(Int64Array::from(vec![Some(i64::MAX), None, None]));
    let events = |first: &[u8]| -> ArrayRef {
        Arc::new(BinaryArray::from_opt_vec(vec![Some(first), None, None]))
    };
    let bits: ArrayRef = Arc::new(UInt32Array::from(vec![1 << 24, 0, 0]));
    let metadata = |json: &str| {
        let mut schema = header().to_schema().unwrap();
        (schema.metadata).insert("tamis.consent".to_owned(), json.to_owned());
        raw(&RecordBatch::new_empty(Arc::new(schema)))
    };
    let later_first = [[1; 9], [0; 9]].concat();
    vec![
        (
            "interests above 24",
            replaced("interests", bits),
            "column `interests`",
        ),
        (
            "recipients with two spaces",
            replaced("recipients", texts("a  b")),
            "column `recipients`",
        ),
        (
            "recipients out of order",
            replaced("recipients", texts("b a")),
            "column `recipients`",
        ),
        (
            "recipients with a capital",
            replaced("recipients", texts("Dsp-a")),
            "column `recipients`",
        ),
        (
            "a language with a space",
            replaced("language", texts("fr FR")),
            "column `language`",
        ),
        (
            "a country in small letters",
            replaced("jurisdiction", texts("fr")),
            "column `jurisdiction`",
        ),
        (
            "an empty record id",
            replaced("record_id", texts("")),
            "column `record_id`",
        ),
        (
            "validity that is not a time",
            replaced("valid_until", times),
            "column `valid_until`",
        ),
        (
            "half an event",
            replaced("history", events(&[1, 0, 0])),
            "column `history`",
        ),
        (
            "no event, said",
            replaced("history", events(&[])),
            "column `history`",
        ),
        (
            "a state that does not exist",
            replaced("history", events(&[9; 9])),
            "column `history`",
        ),
        (
            "a history that goes back",
            replaced("history", events(&later_first)),
            "column `history`",
        ),
        (
            "consent fields out of order",
            metadata(r#"["record_id","interests"]"#),
            "in their order",
        ),
        (
            "a consent field twice",
            metadata(r#"["interests","interests"]"#),
            "in their order",
        ),
        ("no consent field, said", metadata("[]"), "at least one"),
        (
            "a consent field that does not exist",
            metadata(r#"["mood"]"#),
            "known fields",
        ),
        (
            "consent columns that are not named",
            metadata(r#"["interests"]"#),
            "expected `segments`",
        ),
    ]
}

#[test]
fn details_are_read_as_they_were_written() {
    let bytes = stream(&header(), &batch());
    let mut decoder = StreamDecoder::new(&bytes[..]).unwrap();
    let header = decoder.header().clone();
    let batch = decoder.next_batch().unwrap().unwrap();
    let reader = BatchReader::new(&batch, &header).unwrap();
    let mut record = ConsentRecord::default();
    // Read again and again into the same record, in any order.
    for at in [0, 1, 2, 0, 2, 1] {
        reader.consent_into(at, &mut record);
        assert_eq!(record, records()[at]);
    }
}

#[test]
fn a_header_survives_with_any_choice_of_columns() {
    for choice in 0..1_u32 << ConsentField::ALL.len() {
        let fields = (0..).zip(ConsentField::ALL);
        let chosen = WireHeader {
            consent: fields
                .filter_map(|(n, field)| (choice >> n & 1 == 1).then_some(field))
                .collect(),
            ..crm_header()
        };
        let schema = chosen.to_schema().unwrap();
        assert_eq!(WireHeader::from_schema(&schema).unwrap(), chosen);
    }
}

#[test]
fn what_has_no_column_is_refused_and_never_left_out() {
    for left_out in ConsentField::ALL {
        let header = WireHeader {
            consent: (ConsentField::ALL.into_iter())
                .filter(|field| *field != left_out)
                .collect(),
            ..crm_header()
        };
        let mut builder = BatchBuilder::new(&header).unwrap();
        let refused = builder.push_row(&row(&records()[0])).unwrap_err();
        assert!(refused.to_string().contains(left_out.as_str()), "{refused}");
        assert!(builder.is_empty());
        builder.push_row(&row(&records()[1])).unwrap();
    }
}

#[test]
fn a_column_of_details_may_not_be_of_another_type() {
    let schema = header().to_schema().unwrap();
    let hash: ArrayRef =
        Arc::new(FixedSizeBinaryArray::try_from_iter([[0_u8; 16]; 3].iter()).unwrap());
    let place = schema.index_of("notice_hash").unwrap();
    let mut fields = schema.fields().to_vec();
    fields[place] = Arc::new(Field::new(
        "notice_hash",
        DataType::FixedSizeBinary(16),
        true,
    ));
    let mut columns = batch().columns().to_vec();
    columns[place] = hash;
    let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
    let batch = RecordBatch::try_new(Arc::new(schema), columns).unwrap();
    assert!(error(&raw(&batch)).contains("expected `notice_hash`"));
}

#[test]
fn a_label_cannot_take_the_name_of_what_the_service_keeps() {
    for label in ["tamis:recipient=dsp-a", "tamis:restricted=yes", "tamis:=x"] {
        let header = WireHeader {
            segments: vec![label.to_owned()],
            ..crm_header()
        };
        let refused = header.to_schema().unwrap_err().to_string();
        assert!(refused.contains("not for labels"), "{refused}");
    }
}
