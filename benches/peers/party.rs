//! Our side of `benches/peers/party.sh`, one step a call:
//!
//! - `make FILE ROWS` writes a CSV of contacts;
//! - `prepare FILE SPOOL` is what `tamis upload` does before it sends: quality report and spool. Prints one
//!   line of JSON: rows, seconds, CPU seconds, peak resident MiB;
//! - `tokens SPOOL FILE` writes the tokens of a spool, one row a line: e-mail, comma, phone, in hexadecimal.
// A bench has no seam for time and randomness: it takes the real ones.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]
#![allow(clippy::print_stdout)]

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use tamis::party::{PrepareOptions, population, prepare};
use tamis_keys::Secret;
use tamis_keys::entropy::SystemEntropy;
use tamis_protocols::consent::ConsentRule;
use tamis_protocols::identifier::{IdentifierType, Profile};
use tamis_protocols::token::Token;
use tamis_protocols::wire::api::Role;
use tamis_protocols::wire::batch::{BatchReader, StreamDecoder};
use tamis_protocols::wire::terms::{Destination, Terms};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["make", file, rows, ..] => {
            population::write_contacts(Path::new(file), rows.parse().unwrap(), 1).unwrap();
        }
        ["prepare", file, spool, ..] => run(Path::new(file), Path::new(spool)),
        ["tokens", spool, out, ..] => tokens(Path::new(spool), Path::new(out)),
        // `cargo bench` without a step.
        _ => println!("party_peer: see benches/peers/party.sh"),
    }
}

fn terms() -> Terms {
    Terms {
        version: 2,
        nonce: "00".repeat(16),
        advertiser: "shop".to_owned(),
        partner: "onboarder".to_owned(),
        protocol: "keyed".to_owned(),
        profile: Profile::Onboarding1,
        identifiers: vec![IdentifierType::Email, IdentifierType::Phone],
        epoch: 1,
        destinations: vec![Destination::new("dsp-a", Some(&[7; 32]))],
        release: tamis_protocols::release::Policy::floor(),
        crm_rows: None,
        residency: None,
        advertiser_consent: ConsentRule::advertiser(),
        partner_consent: ConsentRule::partner(),
        expires: jiff::civil::date(2027, 12, 31),
    }
}

fn run(file: &Path, spool: &Path) {
    let start = Instant::now();
    let prepared = prepare(&PrepareOptions {
        file,
        map: None,
        region: Some("AU"),
        segments: &[],
        role: Role::Advertiser,
        mode: Default::default(),
        collaboration: "00112233445566778899aabbccddeeff",
        terms: &terms(),
        pair_key: &Secret::from_bytes([1; 32]),
        bridge: None,
        cookie_tag: &Secret::from_bytes([2; 32]),
        destinations: &[],
        spool: Some(spool),
        today: population::AS_OF,
        entropy: &SystemEntropy::new(),
        progress: &|_| {},
        stop: &std::sync::atomic::AtomicBool::new(false),
    })
    .unwrap();
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(prepared.quality.usable, prepared.rows);
    println!(
        "{{\"rows\":{},\"seconds\":{seconds:.3},\"cpu_s\":{:.2},\"rss_mib\":{}}}",
        prepared.rows,
        cpu_seconds(),
        peak_mib()
    );
}

/// CPU time of this process, user and system; the kernel counts in hundredths.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = peak
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib / 1024
}

fn tokens(spool: &Path, out: &Path) {
    let mut decoder = StreamDecoder::new(BufReader::new(File::open(spool).unwrap())).unwrap();
    let header = decoder.header().clone();
    let mut out = BufWriter::new(File::create(out).unwrap());
    let hex = |token: Option<Token>| token.map(|token| token.to_hex()).unwrap_or_default();
    while let Some(batch) = decoder.next_batch().unwrap() {
        let reader = BatchReader::new(&batch, &header).unwrap();
        for row in 0..batch.num_rows() {
            let [email, phone, _] = reader.tokens(row);
            writeln!(out, "{},{}", hex(email), hex(phone)).unwrap();
        }
    }
    out.flush().unwrap();
}
