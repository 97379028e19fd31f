//! The resident set stays in its bound, whatever the number of rows.
//!
//! ```text
//! ROWS=1000000 cargo test --test resident                 as in CI
//! ROWS=50000000 BUDGET_MIB=512 cargo test --release --test resident     the claim
//! ```
//! A CRM and a graph of so many rows, half of them on both sides, are made while they are sealed, so
//! that nothing but the sealing holds them; then both are matched. Each step is a process of its own,
//! whose peak is read from the kernel (`VmHWM`). The bounds:
//!
//! ```text
//! sealing an upload    BUDGET_MIB (the job's budget, 16 if not given) + 32 MiB
//! sealing tokens       the same + 2 bytes per row
//! matching             1 byte per row + 32 MiB
//! ```
//! What is added is the program itself, one message of the upload, a block of every file and the pages
//! of the threads; 1 byte per row is the index of tokens (8 bytes for 256) and the answers. With
//! `TOKENS=1` the sets are made from tokens alone, without consent and cookies: less disk, and faster.
//! `DIR` says where they are made. Runs only when `ROWS` is set.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

#[path = "../support/rows.rs"]
mod rows;

use std::ops::Range;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use tamis::matching::{Engine, LocalEngine, MatchPlan, Question};
use tamis::sets::{LedgerPlace, Record, SealJob, SealedSet, TokenJob, seal, seal_tokens};
use tamis_protocols::intersection::Expression;
use tamis_protocols::token::Token;
use tamis_protocols::wire::batch::UploadKind::{self, Crm, Graph};

use rows::{AS_OF, Generated, Seeded, expectation, header, identifiers, key};

const STEP: &str = "TAMIS_RESIDENT_STEP";
const MIB: u64 = 1 << 20;
const THREADS: usize = 2;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.replace('_', "").parse().ok()
}

/// Whether sets are made from tokens alone.
fn tokens() -> bool {
    number("TOKENS").is_some_and(|wanted| wanted > 0)
}

fn main() -> ExitCode {
    let Some(rows) = number("ROWS") else {
        println!("not asked for: tests/run.sh resident, or ROWS=50000000");
        return ExitCode::SUCCESS;
    };
    let budget = number("BUDGET_MIB").unwrap_or(16) * MIB;
    if let Ok(step) = std::env::var(STEP) {
        let dir = std::env::var("DIR").unwrap();
        work(&step, Path::new(&dir), rows, budget);
        println!("{}", peak());
        return ExitCode::SUCCESS;
    }
    let place = std::env::var_os("DIR").map_or_else(std::env::temp_dir, Into::into);
    let scratch = tempfile::tempdir_in(place).unwrap();
    let days = if tokens() { 2 * rows } else { 0 };
    let steps = [
        ("seal-crm", budget + days + 32 * MIB),
        ("seal-graph", budget + days + 32 * MIB),
        ("match", rows + 32 * MIB),
    ];
    let mut within = true;
    for (step, bound) in steps {
        let began = Instant::now();
        let peak = measured(step, scratch.path());
        let (seconds, stays) = (began.elapsed().as_secs_f64(), peak <= bound);
        println!(
            "{step:10} {rows} rows: {:4} MiB resident of {:4} allowed, {seconds:.1} s{}",
            peak / MIB,
            bound / MIB,
            if stays { "" } else { "  TOO MUCH" }
        );
        within &= stays;
    }
    match within {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Runs one step as a process; its peak resident set in bytes.
fn measured(step: &str, dir: &Path) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .env(STEP, step)
        .env("DIR", dir)
        .stderr(Stdio::inherit());
    let output = child.output().unwrap();
    assert!(
        output.status.success(),
        "{step} ended with {}",
        output.status
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

/// The most that was ever resident of this process, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1024
}

fn work(step: &str, dir: &Path, rows: u64, budget: u64) {
    match step {
        "seal-crm" => make(Crm, dir, rows, budget),
        "seal-graph" => make(Graph, dir, rows, budget),
        _ => matched(dir, rows),
    }
}

/// Makes a set, in one of the two ways there are.
fn make(kind: UploadKind, dir: &Path, rows: u64, budget: u64) {
    let first = if kind == Graph { rows / 2 } else { 0 };
    match tokens() {
        true => make_of_tokens(kind, dir, first..first + rows, budget),
        false => make_of_upload(kind, dir, first..first + rows, budget),
    }
}

fn make_of_upload(kind: UploadKind, dir: &Path, range: Range<u64>, budget: u64) {
    let name = format!("consent of {}", kind.as_str());
    let (records, own, seed) = (dir.join(&name), key("records"), key("seed"));
    let ledger = LedgerPlace {
        dir: &records,
        key: &own,
        seed: &seed,
    };
    let report = seal(SealJob {
        source: Box::new(Generated::new(kind, range.clone())),
        dir: &dir.join(kind.as_str()),
        key: &key(kind.as_str()),
        set_id: kind.as_str(),
        ledger: Some(ledger),
        expect: expectation(&header(kind)),
        memory: budget as usize,
        entropy: &Seeded::new(1),
        threads: THREADS,
        parent: None,
        progress: &|_| {},
        cancel: &AtomicBool::new(false),
    })
    .unwrap();
    assert_eq!(report.rows, range.end - range.start);
}

fn make_of_tokens(kind: UploadKind, dir: &Path, range: Range<u64>, budget: u64) {
    let (header, first) = (header(kind), range.start);
    let rows = (range.end - first) as u32;
    let mut left = range;
    let source = move |records: &mut Vec<Record>| {
        for n in left.by_ref().take(8192) {
            let (row, class) = ((n - first) as u32, (n % 4) as u16);
            let class = if kind == Crm { class } else { 0 };
            let mut push = |token: Token| records.push(Record::new(token.0, row, u16::MAX, class));
            let (email, phone) = identifiers(n);
            push(email);
            phone.into_iter().for_each(push);
        }
        !records.is_empty()
    };
    seal_tokens(TokenJob {
        sources: vec![Box::new(source)],
        kind,
        mode: Default::default(),
        parent: None,
        collaboration: &header.collaboration,
        epoch: header.epoch,
        rows,
        classes: (0..header.segments.len() as u16).map(|n| vec![n]).collect(),
        segments: header.segments,
        dir: &dir.join(kind.as_str()),
        key: &key(kind.as_str()),
        id: kind.as_str(),
        memory: budget as usize,
        threads: THREADS,
        entropy: &Seeded::new(1),
        durable: true,
    })
    .unwrap();
}

/// Four questions, as an advertiser with four segments asks.
fn matched(dir: &Path, rows: u64) {
    let open = |kind: UploadKind| {
        SealedSet::open(&dir.join(kind.as_str()), &key(kind.as_str()), kind.as_str()).unwrap()
    };
    let (advertiser, partner) = (open(Crm), open(Graph));
    let questions = (0..4).map(|segment| Question {
        expression: Expression::parse(&format!("s = v{segment}")).unwrap(),
        destination: (!tokens()).then(|| "dmp-b".to_owned()),
    });
    let plan = MatchPlan {
        advertiser: &advertiser,
        partner: &partner,
        suppressed: &[],
        as_of: AS_OF,
        questions: questions.collect(),
        progress: &|_| {},
    };
    let found = LocalEngine::new(THREADS)
        .evaluate(&plan, &AtomicBool::new(false))
        .unwrap();
    let persons = partner.report().persons.unwrap() as u32;
    let reached = (0..persons).filter(|person| found.iter().any(|set| set.contains(*person)));
    // Half of the rows are on both sides; a person has one or two.
    assert!(reached.count() as u64 > rows / 4);
}
