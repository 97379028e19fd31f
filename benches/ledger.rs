//! The ledger of consent records: what it costs to keep them, to prove them and to erase some.
//!
//! ```text
//! TAMIS_BENCH_RECORDS=10000000 cargo bench --bench ledger
//! ```
//! An advertiser's upload of so many rows is made while it is sealed, without a ledger and with one, in turns; then
//! 1,000 records are proven one by one and their proofs checked, and 1,000 people are erased. Each step is a
//! process of its own, whose peak is read from the kernel (`VmHWM`). `TAMIS_BENCH_DIR` says where.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/support/rows.rs"]
mod rows;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use tamis::sets::{ChunkKeys, Ledger, LedgerPlace, SealJob, seal};
use tamis_keys::Secret;
use tamis_protocols::token::Token;
use tamis_protocols::wire::batch::UploadKind::Crm;

use rows::{Generated, Seeded, expectation, header, key, token};

const STEP: &str = "TAMIS_LEDGER_STEP";
const UPLOAD: &str = "0123456789abcdef0123456789abcdef";
const BUDGET: usize = 512 << 20;
const SAMPLE: u64 = 1_000;

fn rows() -> u64 {
    let given = std::env::var("TAMIS_BENCH_RECORDS").ok();
    given.map_or(1_000_000, |text| text.replace('_', "").parse().unwrap())
}

fn main() {
    let rows = rows();
    if let Ok(step) = std::env::var(STEP) {
        let dir = PathBuf::from(std::env::var("TAMIS_BENCH_DIR").unwrap());
        println!("{} {}", work(&step, &dir, rows), peak());
        return;
    }
    let place = std::env::var_os("TAMIS_BENCH_DIR").map_or_else(std::env::temp_dir, Into::into);
    let scratch = tempfile::tempdir_in(place).unwrap();
    let per_second = |number: u64, seconds: f64| number as f64 / seconds;
    for round in 1..=3 {
        for step in ["without", "with"] {
            let (seconds, peak) = measured(step, scratch.path());
            println!(
                "sealing {step} a ledger, run {round}: {seconds:.1} s, {:.0} rows/s, peak {peak} MiB",
                per_second(rows, seconds)
            );
        }
    }
    let bytes = size(&scratch.path().join("consent"));
    println!(
        "kept: {:.1} bytes a record beside {:.1} of the set",
        bytes as f64 / rows as f64,
        size(&scratch.path().join("with")) as f64 / rows as f64
    );
    let (seconds, peak) = measured("prove", scratch.path());
    println!(
        "{SAMPLE} proofs served and checked: {seconds:.2} s, {:.0}/s, peak {peak} MiB",
        per_second(SAMPLE, seconds)
    );
    let (seconds, peak) = measured("look-up", scratch.path());
    println!("{SAMPLE} people looked up by token: {seconds:.2} s, peak {peak} MiB");
    let (seconds, peak) = measured("erase", scratch.path());
    println!("{SAMPLE} people of {rows} erased: {seconds:.1} s, peak {peak} MiB");
}

/// Runs one step as a process: seconds, and its peak in MiB.
fn measured(step: &str, dir: &Path) -> (f64, u64) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.env(STEP, step).env("TAMIS_BENCH_DIR", dir);
    let output = child.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{step}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (seconds, peak) = text.trim().split_once(' ').unwrap();
    (seconds.parse().unwrap(), peak.parse().unwrap())
}

/// Does one step; seconds.
fn work(step: &str, dir: &Path, rows: u64) -> f64 {
    match step {
        "without" | "with" => make(dir, step, rows),
        "prove" => {
            let (mut ledger, keys) = open(dir);
            let root = ledger.consent_root();
            let began = Instant::now();
            for row in sample(rows) {
                let proof = ledger.prove(row, &keys).unwrap().unwrap();
                proof.check(&root).unwrap();
            }
            began.elapsed().as_secs_f64()
        }
        "look-up" => {
            let (mut ledger, keys) = open(dir);
            let began = Instant::now();
            let found = ledger.rows_of(&people(rows), &keys).unwrap();
            assert!(found.len() as u64 >= SAMPLE);
            began.elapsed().as_secs_f64()
        }
        _ => {
            let (mut ledger, keys) = open(dir);
            let (people, entropy) = (people(rows), Seeded::new(4));
            let began = Instant::now();
            for chunk in 0..ledger.chunks() {
                let fresh = Secret::generate(&entropy);
                ledger
                    .rewrite(chunk, &people, &keys, &fresh, &entropy)
                    .unwrap();
            }
            began.elapsed().as_secs_f64()
        }
    }
}

/// Seals an upload that is made meanwhile.
fn make(dir: &Path, step: &str, rows: u64) -> f64 {
    let (set, consent) = (dir.join(step), dir.join("consent"));
    for old in [&set, &consent] {
        let _ = std::fs::remove_dir_all(old);
    }
    let (own, seed) = (key("records"), key("seed"));
    let ledger = LedgerPlace {
        dir: &consent,
        key: &own,
        seed: &seed,
    };
    let began = Instant::now();
    seal(SealJob {
        source: Box::new(Generated::new(Crm, 0..rows)),
        dir: &set,
        key: &key("set"),
        set_id: UPLOAD,
        ledger: (step == "with").then_some(ledger),
        parent: None,
        expect: expectation(&header(Crm)),
        memory: BUDGET,
        entropy: &Seeded::new(1),
        threads: 2,
        progress: &|_| {},
        cancel: &AtomicBool::new(false),
    })
    .unwrap();
    began.elapsed().as_secs_f64()
}

fn open(dir: &Path) -> (Ledger, ChunkKeys) {
    let ledger = Ledger::open(&dir.join("consent"), &key("records"), UPLOAD);
    (ledger.unwrap(), ChunkKeys::Seed(key("seed")))
}

/// Rows drawn at random.
fn sample(rows: u64) -> impl Iterator<Item = u64> {
    let seeded = Seeded::new(9);
    (0..SAMPLE).map(move |_| seeded.next() % rows)
}

/// The e-mail tokens of such rows, ascending.
fn people(rows: u64) -> Vec<Token> {
    let mut people: Vec<_> = sample(rows).map(|row| token(1, row)).collect();
    people.sort_unstable();
    people
}

/// Bytes of all files of a directory.
fn size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap();
    entries
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum()
}

/// The peak resident set of this process in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib >> 10
}
