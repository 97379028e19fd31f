#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, RecordBatch, StringArray, UInt8Array, UInt32Array};
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::{DataType, Field, Schema};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::batch::*;
use crate::consent::{Basis, ConsentRecord, Purposes};
use crate::identifier::IdentifierType::{Email, Phone, Postal};
use crate::token::Token;

fn crm_header() -> WireHeader {
    WireHeader {
        kind: UploadKind::Crm,
        collaboration: "00112233445566778899aabbccddeeff".to_owned(),
        epoch: 1,
        identifiers: vec![Email, Phone],
        segments: vec!["loyalty=silver".to_owned(), "status=inactive".to_owned()],
        labels: BTreeMap::new(),
    }
}

fn graph_header() -> WireHeader {
    WireHeader {
        kind: UploadKind::Graph,
        identifiers: vec![Email, Phone, Postal],
        segments: Vec::new(),
        labels: BTreeMap::from([
            ("dmp-b".to_owned(), None),
            ("dsp-a".to_owned(), Some([7; 32])),
        ]),
        ..crm_header()
    }
}

fn consent() -> ConsentRecord {
    ConsentRecord {
        basis: Some(Basis::Consent),
        purposes: Purposes(0b1101),
        given_at: Some(jiff::Timestamp::from_second(1_780_000_000).unwrap()),
        notice_version: Some("2026-03".to_owned()),
        source: None,
        opposed: false,
    }
}

fn crm_batch() -> RecordBatch {
    let mut builder = BatchBuilder::new(&crm_header()).unwrap();
    for (email, phone, segments) in [
        (Some(1), None, vec![1, 0]),
        (None, Some(2), vec![]),
        (Some(3), Some(4), vec![1]),
    ] {
        let token = |byte: Option<u8>| byte.map(|byte| Token([byte; 16]));
        let row = Row {
            tokens: [token(email), token(phone), None],
            consent: &consent(),
            segments: &segments,
            cookies: &[],
        };
        builder.push_row(&row).unwrap();
    }
    builder.finish().unwrap()
}

fn graph_batch() -> RecordBatch {
    let mut builder = BatchBuilder::new(&graph_header()).unwrap();
    let sealed = [9; SEALED_COOKIE_BYTES];
    let open = CookieCell {
        tag: [5; 16],
        cookie: b"c-1",
    };
    let label = CookieCell {
        tag: [6; 16],
        cookie: &sealed,
    };
    for cookies in [[Some(open), Some(label)], [None, Some(label)], [None, None]] {
        let row = Row {
            tokens: [Some(Token([1; 16])), None, Some(Token([2; 16]))],
            consent: &consent(),
            segments: &[],
            cookies: &cookies,
        };
        builder.push_row(&row).unwrap();
    }
    builder.finish().unwrap()
}

fn stream(header: &WireHeader, batch: &RecordBatch) -> Vec<u8> {
    let mut encoder = StreamEncoder::new(Vec::new(), header).unwrap();
    encoder.write(batch).unwrap();
    encoder.finish().unwrap()
}

/// Reads a stream to its end and every row of it; the rows as JSON, for comparison.
fn read_all(bytes: &[u8]) -> Result<Vec<Value>, WireError> {
    let mut decoder = StreamDecoder::new(bytes)?;
    let header = decoder.header().clone();
    let (mut rows, mut record) = (Vec::new(), ConsentRecord::default());
    while let Some(batch) = decoder.next_batch()? {
        let reader = BatchReader::new(&batch, &header)?;
        for row in 0..reader.len() {
            reader.consent_into(row, &mut record);
            let cookies: Vec<Value> = (0..header.labels.len())
                .map(|at| match reader.cookie(row, at) {
                    None => Value::Null,
                    Some(cell) => json!([hex::encode(cell.tag), hex::encode(cell.cookie)]),
                })
                .collect();
            rows.push(json!({
                "tokens": reader.tokens(row).map(|token| token.map(|token| hex::encode(token.0))),
                "basis": record.basis.map_or(0, |basis| basis as u8),
                "purposes": record.purposes.0,
                "consent_at": record.given_at.map(|at| at.as_second()),
                "notice_version": record.notice_version,
                "source": record.source,
                "opposed": record.opposed,
                "segments": reader.segments(row),
                "cookies": cookies,
            }));
        }
    }
    Ok(rows)
}

/// A stream of the right schema with one column replaced.
fn with_column(header: &WireHeader, batch: &RecordBatch, name: &str, column: ArrayRef) -> Vec<u8> {
    let position = batch.schema().index_of(name).unwrap();
    let mut columns = batch.columns().to_vec();
    columns[position] = column;
    let schema = Arc::new(header.to_schema().unwrap());
    raw(&RecordBatch::try_new(schema, columns).unwrap())
}

fn raw(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn error(bytes: &[u8]) -> String {
    read_all(bytes).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn what_is_written_is_read() {
    let rows = read_all(&stream(&crm_header(), &crm_batch())).unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["segments"], json!([0, 1]));
    assert_eq!(
        rows[2]["tokens"],
        json!(["03".repeat(16), "04".repeat(16), null])
    );
    let rows = read_all(&stream(&graph_header(), &graph_batch())).unwrap();
    assert_eq!(
        rows[0]["cookies"][0],
        json!(["05".repeat(16), hex::encode("c-1")])
    );
    assert_eq!(rows[1]["cookies"][0], Value::Null);
    assert_eq!(rows[1]["consent_at"], json!(1_780_000_000));
}

#[test]
fn the_header_survives_its_schema() {
    for header in [crm_header(), graph_header()] {
        let schema = header.to_schema().unwrap();
        assert_eq!(WireHeader::from_schema(&schema).unwrap(), header);
    }
}

#[test]
fn a_stream_cut_anywhere_is_cut_short() {
    let bytes = stream(&graph_header(), &graph_batch());
    for end in 0..bytes.len() {
        assert!(
            matches!(read_all(&bytes[..end]), Err(WireError::CutShort)),
            "{end}"
        );
    }
    let longer = [bytes, vec![0]].concat();
    assert!(error(&longer).contains("after the end marker"));
}

#[test]
fn a_source_that_fails_is_not_blamed_on_the_content() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("disk"))
        }
    }
    assert!(matches!(StreamDecoder::new(Broken), Err(WireError::Io(_))));
}

#[test]
fn every_wrong_value_is_refused_by_row_and_column() {
    let (header, batch) = (crm_header(), crm_batch());
    let basis: ArrayRef = Arc::new(UInt8Array::from(vec![1, 7, 1]));
    assert!(
        error(&with_column(&header, &batch, "basis", basis)).starts_with("row 1, column `basis`")
    );
    let purposes: ArrayRef = Arc::new(UInt32Array::from(vec![1, 1, 1 << 24]));
    assert!(error(&with_column(&header, &batch, "purposes", purposes)).starts_with("row 2"));
    let long = "x".repeat(257);
    let text: ArrayRef = Arc::new(StringArray::from(vec![Some(long.as_str()), None, None]));
    assert!(error(&with_column(&header, &batch, "source", text)).starts_with("row 0"));
    let graph = graph_batch();
    let cookies: ArrayRef = Arc::new(BinaryArray::from_opt_vec(vec![None, Some(b"c"), None]));
    let unpaired = with_column(&graph_header(), &graph, "cookie:dmp-b", cookies);
    assert!(error(&unpaired).contains("tag and cookie must both be there"));
    let mut twice = crm_header();
    twice.segments[1] = twice.segments[0].clone();
    assert!(twice.to_schema().is_err());
}

#[test]
fn segments_that_do_not_exist_or_repeat_are_refused() {
    use arrow_array::builder::{ListBuilder, UInt16Builder};
    for list in [vec![2], vec![1, 0], vec![0, 0]] {
        let item = Arc::new(Field::new("item", DataType::UInt16, false));
        let mut builder = ListBuilder::new(UInt16Builder::new()).with_field(item);
        for row in [&list[..], &[], &[]] {
            builder.values().append_slice(row);
            builder.append(true);
        }
        let column: ArrayRef = Arc::new(builder.finish());
        let bytes = with_column(&crm_header(), &crm_batch(), "segments", column);
        assert!(error(&bytes).starts_with("row 0, column `segments`"));
    }
}

#[test]
fn other_columns_or_metadata_are_refused() {
    let schema = crm_header().to_schema().unwrap();
    for key in schema.metadata().keys() {
        let mut metadata = schema.metadata().clone();
        metadata.remove(key);
        let changed = Schema::new_with_metadata(schema.fields().clone(), metadata);
        assert!(WireHeader::from_schema(&changed).is_err(), "{key}");
    }
    for position in 0..schema.fields().len() {
        let mut fields = schema.fields().to_vec();
        let field = fields[position].as_ref().clone();
        fields[position] = Arc::new(field.clone().with_nullable(!field.is_nullable()));
        let changed = Schema::new_with_metadata(fields.clone(), schema.metadata().clone());
        assert!(WireHeader::from_schema(&changed).is_err(), "{field}");
        fields[position] = Arc::new(field.with_data_type(DataType::Float32));
        let changed = Schema::new_with_metadata(fields, schema.metadata().clone());
        assert!(WireHeader::from_schema(&changed).is_err());
    }
    let mut fields = schema.fields().to_vec();
    fields.push(Arc::new(Field::new("email_plain", DataType::Utf8, true)));
    let extra = Schema::new_with_metadata(fields, schema.metadata().clone());
    assert!(matches!(
        WireHeader::from_schema(&extra),
        Err(WireError::Columns { .. })
    ));
}

#[test]
fn a_claimed_size_costs_no_memory_and_is_refused() {
    let mut bytes = vec![0xff; 4];
    bytes.extend(u32::MAX.to_le_bytes());
    assert!(error(&bytes).contains("too large"));
    let mut bytes = vec![0xff; 4];
    bytes.extend((1u32 << 20).to_le_bytes());
    assert!(matches!(read_all(&bytes), Err(WireError::CutShort)));
}

#[test]
fn an_older_framing_and_an_empty_stream_are_refused() {
    let batch = crm_batch();
    let options = IpcWriteOptions::try_new(8, true, arrow_ipc::MetadataVersion::V4).unwrap();
    let mut writer =
        StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    assert!(error(&writer.into_inner().unwrap()).contains("continuation marker"));
    assert!(matches!(read_all(&[]), Err(WireError::CutShort)));
    assert!(error(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]).contains("no schema"));
}

#[test]
fn a_full_batch_always_fits_in_a_message() {
    let mut header = graph_header();
    header.labels = (0..MAX_DESTINATIONS)
        .map(|n| (format!("d{n}"), Some([1; 32])))
        .collect();
    let mut builder = BatchBuilder::new(&header).unwrap();
    let label = [9; SEALED_COOKIE_BYTES];
    let cell = CookieCell {
        tag: [6; 16],
        cookie: &label,
    };
    let mut record = consent();
    record.source = Some("x".repeat(MAX_TEXT_BYTES));
    let cookies = vec![Some(cell); MAX_DESTINATIONS];
    let row = Row {
        tokens: [Some(Token([1; 16])); 3],
        consent: &record,
        segments: &[],
        cookies: &cookies,
    };
    while !builder.is_full() {
        builder.push_row(&row).unwrap();
    }
    assert!(builder.push_row(&row).is_err());
    let rows = builder.len();
    assert_eq!(
        read_all(&stream(&header, &builder.finish().unwrap()))
            .unwrap()
            .len(),
        rows
    );
}

#[test]
fn the_builder_refuses_what_the_service_would_refuse() {
    let mut builder = BatchBuilder::new(&crm_header()).unwrap();
    let record = consent();
    let row = Row {
        tokens: [None; 3],
        consent: &record,
        segments: &[2],
        cookies: &[],
    };
    assert!(builder.push_row(&row).is_err());
    let row = Row {
        tokens: [None, None, Some(Token([0; 16]))],
        segments: &[],
        ..row
    };
    assert!(builder.push_row(&row).is_err());
    assert!(builder.is_empty());
}

#[test]
fn the_vectors_are_what_they_say() {
    let text = std::fs::read_to_string(VECTORS).unwrap();
    let vectors: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(vectors.len() >= 8);
    for vector in vectors {
        let bytes = STANDARD.decode(vector["stream"].as_str().unwrap()).unwrap();
        match vector["failure"].as_str() {
            Some(failure) => assert!(error(&bytes).contains(failure), "{}", vector["name"]),
            None => assert_eq!(Value::from(read_all(&bytes).unwrap()), vector["rows"]),
        }
    }
}

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/wire/vectors/batch.json");

/// Writes the vectors anew: `cargo test -p tamis-protocols --features arrow -- --ignored write_the_batch_vectors`.
#[test]
#[ignore = "changes a file of the repository"]
fn write_the_batch_vectors() {
    let crm = stream(&crm_header(), &crm_batch());
    let graph = stream(&graph_header(), &graph_batch());
    let basis: ArrayRef = Arc::new(UInt8Array::from(vec![1, 7, 1]));
    let cookies: ArrayRef = Arc::new(BinaryArray::from_opt_vec(vec![None, Some(b"c"), None]));
    let other = Schema::new(vec![Field::new("email", DataType::Utf8, true)]);
    let failures = [
        (
            "end marker missing",
            crm[..crm.len() - 8].to_vec(),
            "ends in the middle",
        ),
        (
            "bytes after the end",
            [crm.clone(), vec![0]].concat(),
            "after the end marker",
        ),
        (
            "basis 7",
            with_column(&crm_header(), &crm_batch(), "basis", basis),
            "column `basis`",
        ),
        (
            "cookie without tag",
            with_column(&graph_header(), &graph_batch(), "cookie:dmp-b", cookies),
            "tag and cookie must both be there",
        ),
        (
            "no metadata",
            raw(&RecordBatch::new_empty(Arc::new(other))),
            "is missing",
        ),
        (
            "continuation marker missing",
            crm[4..].to_vec(),
            "continuation marker",
        ),
    ];
    let mut vectors = vec![
        json!({"name": "crm", "stream": STANDARD.encode(&crm), "rows": read_all(&crm).unwrap()}),
        json!({"name": "graph", "stream": STANDARD.encode(&graph), "rows": read_all(&graph).unwrap()}),
    ];
    vectors.extend(failures.map(|(name, bytes, failure)| {
        json!({"name": name, "stream": STANDARD.encode(bytes), "failure": failure})
    }));
    std::fs::write(
        VECTORS,
        serde_json::to_string_pretty(&vectors).unwrap() + "\n",
    )
    .unwrap();
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
        let _ = read_all(&bytes);
        let framed = [&[0xff; 4][..], &(bytes.len() as u32).to_le_bytes(), &bytes].concat();
        let _ = read_all(&framed);
    }

    #[test]
    fn damaged_streams_never_panic(
        graph in any::<bool>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = match graph {
            true => stream(&graph_header(), &graph_batch()),
            false => stream(&crm_header(), &crm_batch()),
        };
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = read_all(&bytes);
    }

    #[test]
    fn any_rows_survive(
        rows in proptest::collection::vec(
            (any::<[Option<[u8; 16]>; 3]>(), 0u32..1 << 24, any::<Option<i32>>(), ".{0,20}", any::<bool>(),
             proptest::option::of(proptest::collection::vec(any::<u8>(), 1..=63))),
            0..40,
        ),
    ) {
        let mut builder = BatchBuilder::new(&graph_header()).unwrap();
        for (tokens, purposes, at, text, opposed, cookie) in &rows {
            let record = ConsentRecord {
                basis: opposed.then_some(Basis::PublicTask),
                purposes: Purposes(*purposes),
                given_at: at.map(|at| jiff::Timestamp::from_second(at.into()).unwrap()),
                notice_version: None,
                source: Some(text.clone()),
                opposed: *opposed,
            };
            let cell = cookie.as_ref().map(|cookie| CookieCell { tag: [1; 16], cookie });
            let row = Row {
                tokens: tokens.map(|token| token.map(Token)),
                consent: &record,
                segments: &[],
                cookies: &[cell, None],
            };
            builder.push_row(&row).unwrap();
        }
        let batch = builder.finish().unwrap();
        let read = read_all(&stream(&graph_header(), &batch)).unwrap();
        prop_assert_eq!(read.len(), rows.len());
        for (found, (tokens, purposes, at, text, opposed, cookie)) in read.iter().zip(&rows) {
            let tokens = tokens.map(|token| token.map(hex::encode));
            prop_assert_eq!(&found["tokens"], &json!(tokens));
            prop_assert_eq!(&found["purposes"], &json!(purposes));
            prop_assert_eq!(&found["consent_at"], &json!(at));
            prop_assert_eq!(&found["source"], &json!(text));
            prop_assert_eq!(&found["opposed"], &json!(opposed));
            prop_assert_eq!(&found["cookies"][0][1], &json!(cookie.as_ref().map(hex::encode)));
        }
    }
}
