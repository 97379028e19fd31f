//! Made-up uploads for the tests of stored bytes: any number of rows, made as they are read.
//!
//! Row `n` has an e-mail of its own; of four rows the first two share a phone; every thirteenth has no
//! consent. A graph row has a cookie at both destinations.

#![allow(dead_code, reason = "each test takes what it needs")]

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use jiff::civil::{Date, date};
use tamis::sets::Expectation;
use tamis_keys::purpose::Data;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::consent::{Basis, ConsentRecord, ConsentRule, Destinations, Purposes};
use tamis_protocols::identifier::IdentifierType::{Email, Phone};
use tamis_protocols::token::Token;
use tamis_protocols::wire::batch::{
    BatchBuilder, CookieCell, Row, StreamEncoder, UploadKind, WireHeader,
};

/// The day of everything.
pub const AS_OF: Date = date(2026, 11, 22);

/// Randomness that is the same every time: splitmix64 from a seed.
pub struct Seeded(AtomicU64);

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Seeded(AtomicU64::new(seed))
    }

    pub fn next(&self) -> u64 {
        mix(self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed))
    }
}

impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) {
        for part in out.chunks_mut(8) {
            part.copy_from_slice(&self.next().to_le_bytes()[..part.len()]);
        }
    }
}

fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The data key of a set, by its name.
pub fn key(name: &str) -> Secret<Data> {
    let mut bytes = [3; 32];
    bytes[..name.len().min(32)].copy_from_slice(&name.as_bytes()[..name.len().min(32)]);
    Secret::from_bytes(bytes)
}

/// The token of identifier `n` of a type, spread evenly as real ones are.
pub fn token(kind: u64, n: u64) -> Token {
    let high = mix(n
        .wrapping_add(kind << 56)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15));
    Token((u128::from(high) << 64 | u128::from(mix(high ^ kind))).to_be_bytes())
}

/// The tokens of row `n`: an e-mail, and of some a phone.
pub fn identifiers(n: u64) -> (Token, Option<Token>) {
    (token(1, n), (n % 4 < 2).then(|| token(2, n / 2)))
}

pub fn header(kind: UploadKind) -> WireHeader {
    let crm = kind == UploadKind::Crm;
    WireHeader {
        kind,
        collaboration: "0123456789abcdef0123456789abcdef".to_owned(),
        epoch: 1,
        mode: Default::default(),
        bridge: None,
        consent: Vec::new(),
        identifiers: vec![Email, Phone],
        segments: match crm {
            true => (0..4).map(|n| format!("s=v{n}")).collect(),
            false => Vec::new(),
        },
        labels: match crm {
            true => BTreeMap::new(),
            false => BTreeMap::from([
                ("dmp-b".to_owned(), None),
                ("dsp-a".to_owned(), Some([8; 32])),
            ]),
        },
    }
}

/// What the terms ask of such an upload.
pub fn expectation(header: &WireHeader) -> Expectation {
    Expectation {
        kind: header.kind,
        mode: header.mode,
        bridge: header.bridge.clone(),
        collaboration: header.collaboration.clone(),
        epoch: header.epoch,
        identifiers: header.identifiers.clone(),
        destinations: (header.labels.iter())
            .map(|(name, enc)| (name.clone(), enc.is_some()))
            .collect(),
        recipients: Destinations::new((header.labels.keys()).map(|name| (name.as_str(), None))),
        rule: ConsentRule::partner(),
        as_of: AS_OF,
        most_rows: None,
    }
}

/// An upload of the rows in `range`, as bytes.
pub fn upload(kind: UploadKind, range: Range<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    Generated::new(kind, range).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Rows of a batch.
const BATCH: usize = 8192;

/// An upload that is made as it is read. Memory: one batch.
pub struct Generated {
    header: WireHeader,
    rows: Range<u64>,
    encoder: Option<StreamEncoder<Made>>,
    made: Made,
    at: usize,
}

/// What the encoder wrote, seen from both ends.
#[derive(Clone, Default)]
struct Made(Arc<Mutex<Vec<u8>>>);

impl Write for Made {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Generated {
    pub fn new(kind: UploadKind, rows: Range<u64>) -> Self {
        Generated::of(header(kind), rows)
    }

    /// An upload with a header of its own.
    pub fn of(header: WireHeader, rows: Range<u64>) -> Self {
        let made = Made::default();
        let encoder = Some(StreamEncoder::new(made.clone(), &header).unwrap());
        Generated {
            header,
            rows,
            encoder,
            made,
            at: 0,
        }
    }

    /// The next batch, or the end of the stream.
    fn make(&mut self) {
        let Some(mut encoder) = self.encoder.take() else {
            return;
        };
        let mut builder = BatchBuilder::new(&self.header).unwrap();
        let mut empty = true;
        for n in self.rows.by_ref().take(BATCH) {
            push(&mut builder, &self.header, n);
            empty = false;
        }
        match empty {
            true => drop(encoder.finish().unwrap()),
            false => {
                encoder.write(&builder.finish().unwrap()).unwrap();
                self.encoder = Some(encoder);
            }
        }
    }
}

impl Read for Generated {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.made.0.lock().unwrap().len() && self.encoder.is_some() {
            self.made.0.lock().unwrap().clear();
            self.at = 0;
            self.make();
        }
        let made = self.made.0.lock().unwrap();
        let take = out.len().min(made.len() - self.at);
        out[..take].copy_from_slice(&made[self.at..self.at + take]);
        self.at += take;
        Ok(take)
    }
}

fn push(builder: &mut BatchBuilder, header: &WireHeader, n: u64) {
    let consent = ConsentRecord {
        basis: (!n.is_multiple_of(13)).then_some(Basis::Consent),
        purposes: Purposes(0b1101),
        given_at: Some("2026-06-01T08:00:00Z".parse().unwrap()),
        notice_version: None,
        source: None,
        opposed: false,
        more: None,
    };
    let open = format!("c{n:012}");
    let mut label = [0; 88];
    label[..8].copy_from_slice(&n.to_le_bytes());
    let cell = |tag, cookie| CookieCell {
        tag: token(tag, n).0,
        cookie,
    };
    let cookies = [Some(cell(8, open.as_bytes())), Some(cell(9, &label))];
    let (email, phone) = identifiers(n);
    let row = Row {
        tokens: [Some(email), phone, None],
        consent: &consent,
        segments: if header.segments.is_empty() {
            &[]
        } else {
            &[(n % 4) as u16]
        },
        cookies: if header.labels.is_empty() {
            &[]
        } else {
            &cookies
        },
    };
    builder.push_row(&row).unwrap();
}
