#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod details;
mod refused;
mod vectors;
mod written;

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

use super::*;
use crate::consent::{Basis, ConsentRecord, Purposes};
use crate::identifier::IdentifierType::{Email, Phone, Postal};
use crate::token::Token;

fn crm_header() -> WireHeader {
    WireHeader {
        kind: UploadKind::Crm,
        collaboration: "00112233445566778899aabbccddeeff".to_owned(),
        epoch: 1,
        mode: UploadMode::Full,
        bridge: None,
        consent: Vec::new(),
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

/// Rows of this carry tokens of an earlier collaboration too.
fn bridge_header() -> WireHeader {
    WireHeader {
        bridge: Some("ffeeddccbbaa99887766554433221100".to_owned()),
        ..graph_header()
    }
}

fn removal_header() -> WireHeader {
    WireHeader {
        mode: UploadMode::Remove,
        segments: Vec::new(),
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
        more: None,
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

fn bridge_batch() -> RecordBatch {
    let mut builder = BatchBuilder::new(&bridge_header()).unwrap();
    let row = Row {
        tokens: [Some(Token([1; 16])), None, Some(Token([2; 16]))],
        consent: &consent(),
        segments: &[],
        cookies: &[None, None],
    };
    for bridged in [[Some(0x81), None, Some(0x82)], [None, Some(0x83), None]] {
        let bridged = bridged.map(|byte| byte.map(|byte| Token([byte; 16])));
        builder.push_bridged(&row, bridged).unwrap();
    }
    builder.push_row(&row).unwrap();
    builder.finish().unwrap()
}

/// Its rows carry a consent record, which is not sent.
fn removal_batch() -> RecordBatch {
    let mut builder = BatchBuilder::new(&removal_header()).unwrap();
    for (email, phone) in [(Some(1), None), (None, None), (Some(3), Some(4))] {
        let token = |byte: Option<u8>| byte.map(|byte| Token([byte; 16]));
        let row = Row {
            tokens: [token(email), token(phone), None],
            consent: &consent(),
            segments: &[],
            cookies: &[],
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
            let text = |tokens: [Option<Token>; 3]| tokens.map(|t| t.map(|t| hex::encode(t.0)));
            let mut found = json!({
                "tokens": text(reader.tokens(row)),
                "basis": record.basis.map_or(0, |basis| basis as u8),
                "purposes": record.purposes.0,
                "consent_at": record.given_at.map(|at| at.as_second()),
                "notice_version": record.notice_version,
                "source": record.source,
                "opposed": record.opposed,
                "segments": reader.segments(row),
                "cookies": cookies,
            });
            if !header.consent.is_empty() {
                found["consent"] = json!(hex::encode(record.to_bytes()));
            }
            match &header.bridge {
                Some(_) => found["bridged"] = json!(text(reader.bridged(row))),
                None => assert!(reader.bridged(row) == [None; 3]),
            }
            rows.push(found);
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
