//! Seal and match synthetic uploads: `cargo bench --bench matching`.
//!
//! `TAMIS_BENCH_ROWS` rows on each side (default 1,000,000), 40 % overlap, one or two identifiers a row,
//! 16 segments, one destination with a key and one without. Everything is encrypted and durable. What
//! is timed: sealing uploads from bytes in memory, sealing as many tokens without an upload around them
//! (not durable), and matching with 1 and with 2 threads, four questions in one walk. On Linux the memory
//! that sealing takes at its peak is printed as well.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use jiff::civil::{Date, date};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tamis::matching::{Engine, LocalEngine, MatchPlan, Question};
use tamis::sets::{
    DEFAULT_MEMORY, Expectation, Record, SealJob, SealedSet, Source, TokenJob, seal, seal_tokens,
};
use tamis_keys::purpose::Data;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::consent::{Basis, ConsentRecord, ConsentRule, Destinations, Purposes};
use tamis_protocols::identifier::IdentifierType::{Email, Phone};
use tamis_protocols::intersection::Expression;
use tamis_protocols::token::Token;
use tamis_protocols::wire::batch::{
    BatchBuilder, CookieCell, Row, StreamEncoder, UploadKind, WireHeader,
};

const AS_OF: Date = date(2026, 11, 22);

struct Seeded(Mutex<ChaCha20Rng>);

impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) {
        self.0.lock().unwrap().fill_bytes(out);
    }
}

fn header(kind: UploadKind) -> WireHeader {
    let graph = kind == UploadKind::Graph;
    let labels = [
        ("dmp-b".to_owned(), None),
        ("dsp-a".to_owned(), Some([8; 32])),
    ];
    WireHeader {
        kind,
        collaboration: "0123456789abcdef0123456789abcdef".to_owned(),
        epoch: 1,
        mode: Default::default(),
        bridge: None,
        consent: Vec::new(),
        identifiers: vec![Email, Phone],
        segments: match graph {
            true => Vec::new(),
            false => (0..16).map(|n| format!("s=v{n}")).collect(),
        },
        labels: if graph {
            BTreeMap::from(labels)
        } else {
            BTreeMap::new()
        },
    }
}

/// A token of a number: mixed so that prefixes are uniform (splitmix64).
fn token(kind: u64, n: u64) -> Token {
    let mix = |mut x: u64| {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let high = mix(n
        .wrapping_add(kind << 56)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15));
    Token((u128::from(high) << 64 | u128::from(mix(high ^ kind))).to_be_bytes())
}

/// Rows `first..first + rows` of an endless population.
fn upload(kind: UploadKind, first: u64, rows: u64) -> Vec<u8> {
    let header = header(kind);
    let mut encoder = StreamEncoder::new(Vec::new(), &header).unwrap();
    let mut builder = BatchBuilder::new(&header).unwrap();
    let consent = ConsentRecord {
        basis: Some(Basis::Consent),
        purposes: Purposes(0b1101),
        given_at: Some("2026-06-01T08:00:00Z".parse().unwrap()),
        notice_version: Some("2026-03".to_owned()),
        source: Some("web".to_owned()),
        opposed: false,
        more: None,
    };
    for n in first..first + rows {
        let label = [n as u8; 88];
        let open = format!("c{n:020}");
        let cell = |tag: u64, cookie| CookieCell {
            tag: token(tag, n).0,
            cookie,
        };
        let cookies = [Some(cell(8, open.as_bytes())), Some(cell(9, &label))];
        let row = Row {
            tokens: [
                Some(token(1, n)),
                n.is_multiple_of(2).then(|| token(2, n)),
                None,
            ],
            consent: &consent,
            segments: &[(n % 16) as u16],
            cookies: &cookies,
        };
        let row = match kind {
            UploadKind::Crm => Row {
                cookies: &[],
                ..row
            },
            UploadKind::Graph => Row {
                segments: &[],
                ..row
            },
        };
        builder.push_row(&row).unwrap();
        if builder.is_full() {
            encoder.write(&builder.finish().unwrap()).unwrap();
        }
    }
    encoder.write(&builder.finish().unwrap()).unwrap();
    encoder.finish().unwrap()
}

fn seal_upload(bytes: &[u8], kind: UploadKind, dir: &Path, key: &Secret<Data>) {
    let header = header(kind);
    let entropy = Seeded(Mutex::new(ChaCha20Rng::seed_from_u64(1)));
    let job = SealJob {
        source: Box::new(bytes),
        dir,
        key,
        set_id: "bench",
        ledger: None,
        parent: None,
        expect: Expectation {
            kind,
            collaboration: header.collaboration,
            epoch: 1,
            mode: Default::default(),
            bridge: None,
            identifiers: header.identifiers,
            destinations: (header.labels.iter())
                .map(|(name, enc)| (name.clone(), enc.is_some()))
                .collect(),
            recipients: Destinations::new((header.labels.keys()).map(|name| (name.as_str(), None))),
            rule: ConsentRule::partner(),
            as_of: AS_OF,
            most_rows: None,
        },
        memory: DEFAULT_MEMORY,
        entropy: &entropy,
        threads: 2,
        progress: &|_| {},
        cancel: &AtomicBool::new(false),
    };
    black_box(seal(job).unwrap());
}

/// The first token of each of `rows` rows, as two halves.
fn records(kind: UploadKind, first: u64, rows: u64) -> [Vec<Record>; 2] {
    let half = |rows: std::ops::Range<u64>| {
        let record = |row: u64| {
            let class = match kind {
                UploadKind::Crm => (row % 16) as u16,
                UploadKind::Graph => 0,
            };
            Record::new(token(1, first + row).0, row as u32, 20_000, class)
        };
        rows.map(record).collect()
    };
    [half(0..rows / 2), half(rows / 2..rows)]
}

fn source(records: &[Record]) -> Source<'_> {
    let mut batches = records.chunks(4096);
    Box::new(move |out| {
        out.extend_from_slice(batches.next().unwrap_or_default());
        batches.len() > 0
    })
}

fn seal_records(halves: &[Vec<Record>; 2], kind: UploadKind, dir: &Path, key: &Secret<Data>) {
    let header = header(kind);
    let [first, second] = halves;
    seal_tokens(TokenJob {
        sources: vec![source(first), source(second)],
        kind,
        mode: Default::default(),
        parent: None,
        collaboration: &header.collaboration,
        epoch: 1,
        rows: (first.len() + second.len()) as u32,
        classes: (0..header.segments.len() as u16).map(|n| vec![n]).collect(),
        segments: header.segments,
        dir,
        key,
        id: "bench",
        memory: DEFAULT_MEMORY,
        threads: 2,
        entropy: &Seeded(Mutex::new(ChaCha20Rng::seed_from_u64(2))),
        durable: false,
    })
    .unwrap();
}

/// A line of the process's status, in KiB.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|found| found.strip_prefix(line));
    let number = found.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}

/// Starts the peak anew from what is resident now, which is returned.
fn reset_peak() -> u64 {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    memory("VmRSS:")
}

fn matching(c: &mut Criterion) {
    let rows = std::env::var("TAMIS_BENCH_ROWS").ok();
    let rows: u64 = rows.and_then(|rows| rows.parse().ok()).unwrap_or(1_000_000);
    let dir = tempfile::tempdir().unwrap();
    let key = Secret::from_bytes([5; 32]);
    let graph = upload(UploadKind::Graph, rows * 6 / 10, rows);
    let crm = upload(UploadKind::Crm, 0, rows);
    let (left, right) = (dir.path().join("a"), dir.path().join("p"));
    let before = reset_peak();
    seal_upload(&graph, UploadKind::Graph, &right, &key);
    let peak = memory("VmHWM:").saturating_sub(before) / 1024;
    eprintln!("sealing a graph of {rows} rows took {peak} MiB at its peak");
    seal_upload(&crm, UploadKind::Crm, &left, &key);

    let mut group = c.benchmark_group("sets");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group
        .warm_up_time(Duration::from_millis(1))
        .throughput(Throughput::Elements(rows));
    let again = dir.path().join("again");
    for (name, kind, bytes) in [
        ("graph", UploadKind::Graph, &graph),
        ("crm", UploadKind::Crm, &crm),
    ] {
        group.bench_function(format!("seal {name}"), |b| {
            b.iter(|| {
                let _ = std::fs::remove_dir_all(&again);
                seal_upload(bytes, kind, &again, &key);
            });
        });
    }
    for (name, kind, first) in [
        ("graph", UploadKind::Graph, rows * 6 / 10),
        ("crm", UploadKind::Crm, 0),
    ] {
        let records = records(kind, first, rows);
        group.bench_function(format!("seal {name} tokens"), |b| {
            b.iter(|| {
                let _ = std::fs::remove_dir_all(&again);
                seal_records(&records, kind, &again, &key);
            });
        });
    }
    let advertiser = SealedSet::open(&left, &key, "bench").unwrap();
    let partner = SealedSet::open(&right, &key, "bench").unwrap();
    let question = |text: &str, destination: Option<&str>| Question {
        expression: Expression::parse(text).unwrap(),
        destination: destination.map(str::to_owned),
    };
    let plan = MatchPlan {
        advertiser: &advertiser,
        partner: &partner,
        suppressed: &[],
        as_of: AS_OF,
        questions: vec![
            question("all", None),
            question("s in (v1, v2, v3)", Some("dsp-a")),
            question("not s = v4", Some("dmp-b")),
            question("s = v5 or s = v6", Some("dsp-a")),
        ],
        progress: &|_| {},
    };
    group.throughput(Throughput::Elements(2 * rows));
    for threads in [1, 2] {
        group.bench_function(format!("match, {threads} threads"), |b| {
            let engine = LocalEngine::new(threads);
            b.iter(|| engine.evaluate(&plan, &AtomicBool::new(false)).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, matching);
criterion_main!(benches);
