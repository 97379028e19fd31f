//! Small sealed sets for the tests of this room and of matching.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};
use tamis_keys::purpose::Data;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::consent::{Basis, ConsentRecord, ConsentRule, Destinations, Purposes};
use tamis_protocols::identifier::IdentifierType::{Email, Phone, Postal};
use tamis_protocols::token::Token;
use tamis_protocols::wire::batch::{
    BatchBuilder, CookieCell, Row, StreamEncoder, UploadKind, UploadMode, WireHeader,
};

use super::{CompactJob, Expectation, Layer, SealError, SealJob, SealedSet, compact, seal};

pub(crate) const AS_OF: Date = date(2026, 1, 15);

/// Randomness from a seed.
pub(crate) struct Seeded(Mutex<ChaCha20Rng>);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Seeded(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) {
        self.0.lock().unwrap().fill_bytes(out);
    }
}

pub(crate) fn key() -> Secret<Data> {
    Secret::from_bytes([3; 32])
}

/// The token of identifier `n` of a type; uniformly spread, as real ones are.
pub(crate) fn token(kind: usize, n: u32) -> Token {
    let hash = Sha256::digest([&[kind as u8][..], &n.to_be_bytes()].concat());
    let mut token = [0; 16];
    token.copy_from_slice(&hash[..16]);
    Token(token)
}

/// The token of the same identifier in another collaboration.
pub(crate) fn elsewhere(token: Token) -> Token {
    let hash = Sha256::digest([&token.0[..], b"elsewhere"].concat());
    let mut token = [0; 16];
    token.copy_from_slice(&hash[..16]);
    Token(token)
}

/// A row in short: identifiers by number, consent by the day it was given.
#[derive(Clone, Debug)]
pub(crate) struct TestRow {
    pub(crate) identifiers: [Option<u32>; 3],
    pub(crate) given: Option<Date>,
    pub(crate) opposed: bool,
    pub(crate) segments: Vec<u16>,
    /// Cookies by number, one entry per destination.
    pub(crate) cookies: Vec<Option<u8>>,
}

impl TestRow {
    pub(crate) fn consent(&self) -> ConsentRecord {
        let given = self.given.map(|day| day.at(12, 0, 0, 0));
        ConsentRecord {
            basis: Some(Basis::Consent),
            purposes: Purposes(0b1101),
            given_at: given.map(|at| at.to_zoned(TimeZone::UTC).unwrap().timestamp()),
            notice_version: None,
            source: None,
            opposed: self.opposed,
            more: None,
        }
    }

    /// The last day of a row that is accepted on [`AS_OF`].
    pub(crate) fn last_day(&self) -> Option<Date> {
        let judged = rule().evaluate(&self.consent(), AS_OF).ok();
        judged.filter(|_| self.identifiers.iter().any(Option::is_some))
    }

    pub(crate) fn tokens(&self) -> Vec<Token> {
        let present = self.identifiers.iter().enumerate();
        present
            .filter_map(|(kind, n)| n.map(|n| token(kind, n)))
            .collect()
    }
}

/// Any row, from few identifiers, so that rows meet.
pub(crate) fn any_row(destinations: usize) -> impl Strategy<Value = TestRow> {
    let days = prop_oneof![
        6 => (0i64..60).prop_map(|days| Some(date(2025, 1, 1).saturating_add(jiff::Span::new().days(days)))),
        1 => Just(Some(date(2020, 1, 1))),
        1 => Just(Some(date(2026, 6, 1))),
        1 => Just(None),
    ];
    (
        any::<[bool; 3]>(),
        [0u32..14, 0u32..14, 0u32..6],
        days,
        prop::bool::weighted(0.1),
        prop::collection::btree_set(0u16..3, 0..3),
        prop::collection::vec(prop::option::of(0u8..20), destinations),
    )
        .prop_map(|(present, numbers, given, opposed, segments, cookies)| {
            let pick = |i: usize| present[i].then_some(numbers[i]);
            TestRow {
                identifiers: [pick(0), pick(1), pick(2)],
                given,
                opposed,
                segments: segments.into_iter().collect(),
                cookies,
            }
        })
}

pub(crate) fn rule() -> ConsentRule {
    ConsentRule::partner()
}

pub(crate) fn crm() -> WireHeader {
    WireHeader {
        kind: UploadKind::Crm,
        collaboration: "0123456789abcdef0123456789abcdef".to_owned(),
        epoch: 1,
        mode: Default::default(),
        bridge: None,
        consent: Vec::new(),
        identifiers: vec![Email, Phone, Postal],
        segments: ["x=a", "x=b", "y=a"].map(str::to_owned).to_vec(),
        labels: BTreeMap::new(),
    }
}

/// Destinations: `dmp-b` in the open, `dsp-a` sealed.
pub(crate) fn graph() -> WireHeader {
    WireHeader {
        kind: UploadKind::Graph,
        segments: Vec::new(),
        labels: BTreeMap::from([
            ("dmp-b".to_owned(), None),
            ("dsp-a".to_owned(), Some([8; 32])),
        ]),
        ..crm()
    }
}

pub(crate) fn tag(destination: usize, cookie: u8) -> [u8; 16] {
    let mut tag = [cookie.wrapping_mul(37); 16];
    (tag[14], tag[15]) = (destination as u8, cookie);
    tag
}

/// The upload as bytes; `salt` makes sealed cookies differ from upload to upload. Where the header
/// bridges, the rows carry what [`elsewhere`] makes of their tokens too.
pub(crate) fn encode(header: &WireHeader, rows: &[TestRow], salt: u8) -> Vec<u8> {
    let bridges = header.bridge.is_some();
    let both = |token| (token, bridges.then(|| elsewhere(token)));
    encode_with(header, rows, salt, both)
}

/// The same, with the token of each identifier and the bridged one made of what [`token`] makes.
pub(crate) fn encode_with(
    header: &WireHeader,
    rows: &[TestRow],
    salt: u8,
    both: impl Fn(Token) -> (Token, Option<Token>),
) -> Vec<u8> {
    let mut encoder = StreamEncoder::new(Vec::new(), header).unwrap();
    for chunk in rows.chunks(1000) {
        let mut builder = BatchBuilder::new(header).unwrap();
        for row in chunk {
            let bytes: Vec<Vec<u8>> = (header.labels.values().zip(&row.cookies))
                .map(|(enc, cookie)| match enc {
                    Some(_) => [vec![salt; 87], vec![cookie.unwrap_or(0)]].concat(),
                    None => format!("cookie-{}", cookie.unwrap_or(0)).into_bytes(),
                })
                .collect();
            let cells: Vec<Option<CookieCell<'_>>> = (row.cookies.iter().zip(&bytes).enumerate())
                .take(header.labels.len())
                .map(|(at, (cookie, bytes))| {
                    cookie.map(|cookie| CookieCell {
                        tag: tag(at, cookie),
                        cookie: bytes,
                    })
                })
                .collect();
            let mut tokens = [None; 3];
            for (kind, n) in row.identifiers.iter().enumerate() {
                tokens[kind] = n.map(|n| token(kind, n));
            }
            let crm = header.kind == UploadKind::Crm;
            let row = Row {
                tokens: tokens.map(|made| made.map(|made| both(made).0)),
                consent: &row.consent(),
                segments: if crm { &row.segments } else { &[] },
                cookies: &cells,
            };
            let bridged = tokens.map(|made| made.and_then(|made| both(made).1));
            builder.push_bridged(&row, bridged).unwrap();
        }
        encoder.write(&builder.finish().unwrap()).unwrap();
    }
    encoder.finish().unwrap()
}

pub(crate) fn expectation(header: &WireHeader) -> Expectation {
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
        rule: rule(),
        as_of: AS_OF,
        most_rows: None,
    }
}

/// Runs a sealing job on bytes.
pub(crate) fn seal_bytes(
    bytes: Vec<u8>,
    header: &WireHeader,
    dir: &Path,
    set_id: &str,
    memory: usize,
) -> Result<(), SealError> {
    let job = SealJob {
        source: Box::new(Cursor::new(bytes)),
        dir,
        key: &key(),
        set_id,
        ledger: None,
        parent: None,
        expect: expectation(header),
        memory,
        entropy: &Seeded::new(5),
        threads: 2,
        progress: &|_| {},
        cancel: &AtomicBool::new(false),
    };
    seal(job).map(|_| ())
}

/// Seals rows and opens the set.
pub(crate) fn sealed(
    header: &WireHeader,
    rows: &[TestRow],
    dir: &Path,
    set_id: &str,
    memory: usize,
) -> SealedSet {
    let salt = set_id.len() as u8;
    seal_bytes(encode(header, rows, salt), header, dir, set_id, memory).unwrap();
    SealedSet::open(dir, &key(), set_id).unwrap()
}

/// A set as it grows: each upload in a directory of its own, named by its number.
pub(crate) struct Growing<'a> {
    dir: &'a Path,
    header: WireHeader,
    memory: usize,
    seed: u64,
    uploads: usize,
    /// Where each layer lies, and whether it was compacted.
    layers: Vec<(String, bool)>,
}

impl<'a> Growing<'a> {
    pub(crate) fn new(dir: &'a Path, header: WireHeader, memory: usize) -> Self {
        Growing {
            dir,
            header,
            memory,
            seed: 0,
            uploads: 0,
            layers: Vec::new(),
        }
    }

    /// The same with nonces of its own: its layers are nobody else's, whatever their ids and sizes.
    pub(crate) fn apart(self, seed: u64) -> Self {
        Growing { seed, ..self }
    }

    /// Seals an upload on top of what is there. It lists its labels in another order each time.
    pub(crate) fn upload(&mut self, mode: UploadMode, rows: &[TestRow]) {
        let mut header = self.header.clone();
        header.mode = mode;
        let mut rows = rows.to_vec();
        let (turn, own) = (self.uploads % 4, format!("z={}", self.uploads));
        match (mode, header.kind) {
            (UploadMode::Remove, _) => {
                header.labels.clear();
                header.segments.clear();
                rows.iter_mut().for_each(|row| row.segments.clear());
            }
            (_, UploadKind::Crm) => {
                header.segments.push(own);
                let labels = header.segments.len();
                header.segments.rotate_left(turn);
                let segments = rows.iter_mut().flat_map(|row| &mut row.segments);
                segments.for_each(|at| *at = ((*at as usize + labels - turn) % labels) as u16);
            }
            _ => {
                // Each upload seals its cookies under a key of its own.
                let sealed = header.labels.values_mut().flatten();
                sealed.for_each(|enc| *enc = [self.uploads as u8; 32]);
            }
        }
        let id = format!("{}-{}", header.kind.as_str(), self.uploads);
        let parent = mode.is_delta().then(|| self.open());
        let source = encode(&header, &rows, self.uploads as u8);
        let job = SealJob {
            source: Box::new(Cursor::new(source)),
            dir: &self.dir.join(&id),
            key: &key(),
            set_id: &id,
            ledger: None,
            parent: parent.as_ref(),
            expect: Expectation {
                destinations: expectation(&self.header).destinations,
                ..expectation(&header)
            },
            memory: self.memory,
            entropy: &Seeded::new(self.seed << 32 | self.uploads as u64),
            threads: 2,
            progress: &|_| {},
            cancel: &AtomicBool::new(false),
        };
        seal(job).unwrap();
        if !mode.is_delta() {
            self.layers.clear();
        }
        self.layers.push((id, false));
        self.uploads += 1;
    }

    /// Where each layer lies, and whether it was compacted.
    pub(crate) fn layers(&self) -> &[(String, bool)] {
        &self.layers
    }

    /// The set as it is.
    pub(crate) fn open(&self) -> SealedSet {
        let open = |(id, compacted): &(String, bool)| match compacted {
            false => Layer::open(&self.dir.join(id), &key(), id).unwrap(),
            true => {
                let path = self.dir.join(format!("{id}.compact"));
                Layer::compacted(&path, &key(), id).unwrap()
            }
        };
        SealedSet::stacked(self.layers.iter().map(open).collect()).unwrap()
    }

    /// Compacts the set; what is uploaded next lies on the compacted one.
    pub(crate) fn compact(&mut self) {
        let set = self.open();
        let id = set.id().to_owned();
        compact(CompactJob {
            set: &set,
            dir: &self.dir.join(format!("{id}.compact")),
            key: &key(),
            entropy: &Seeded::new(1000 + self.uploads as u64),
            progress: &|_| {},
            cancel: &AtomicBool::new(false),
        })
        .unwrap();
        self.layers = vec![(id, true)];
    }
}
