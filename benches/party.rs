//! Prepare a party's file: `cargo bench --bench party`.
//!
//! A synthetic population of `TAMIS_BENCH_ROWS` rows on each side (default 100,000). Timed, for the
//! advertiser's file and the partner's: a dry run (read, normalise, judge, report) and all of it
//! (tokens, labels, shuffle, spool). Threads: as many as the machine has, up to eight.
// A bench has no seam for time and randomness: it takes the real ones.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use tamis::party::{DestinationKey, PrepareOptions, population, prepare};
use tamis_keys::entropy::SystemEntropy;
use tamis_keys::purpose::Sealing;
use tamis_keys::{Secret, sealing};
use tamis_protocols::consent::ConsentRule;
use tamis_protocols::identifier::{IdentifierType, Profile};
use tamis_protocols::wire::api::Role;
use tamis_protocols::wire::terms::{Destination, Terms};

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
        destinations: vec![
            Destination::new("dsp-a", Some(&[7; 32])),
            Destination::new("dmp-b", None),
        ],
        release: tamis_protocols::release::Policy::floor(),
        crm_rows: None,
        residency: None,
        advertiser_consent: ConsentRule::advertiser(),
        partner_consent: ConsentRule::partner(),
        expires: jiff::civil::date(2027, 12, 31),
    }
}

fn run(role: Role, file: &Path, spool: Option<&Path>) {
    let key = Secret::<Sealing>::from_bytes([3; 32]);
    let destination = |name: &str, sealing_key| DestinationKey {
        name: name.to_owned(),
        sealing_key,
    };
    let prepared = prepare(&PrepareOptions {
        file,
        map: None,
        region: Some("AU"),
        segments: &[],
        role,
        mode: Default::default(),
        collaboration: "00112233445566778899aabbccddeeff",
        terms: &terms(),
        pair_key: &Secret::from_bytes([1; 32]),
        bridge: None,
        cookie_tag: &Secret::from_bytes([2; 32]),
        destinations: &[
            destination("dsp-a", Some(sealing::public(&key))),
            destination("dmp-b", None),
        ],
        spool,
        today: population::AS_OF,
        entropy: &SystemEntropy::new(),
        progress: &|_| {},
        stop: &std::sync::atomic::AtomicBool::new(false),
    });
    assert!(prepared.unwrap().quality.usable > 0);
}

fn party(c: &mut Criterion) {
    let rows = std::env::var("TAMIS_BENCH_ROWS").ok();
    let rows: u64 = rows.and_then(|rows| rows.parse().ok()).unwrap_or(100_000);
    let dir = tempfile::tempdir().unwrap();
    population::write(dir.path(), rows, 1).unwrap();
    let mut group = c.benchmark_group("party");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(1))
        .throughput(Throughput::Elements(rows));
    let spool = dir.path().join("spool");
    for (role, name) in [(Role::Advertiser, "crm.csv"), (Role::Partner, "graph.csv")] {
        let file = dir.path().join(name);
        group.bench_function(format!("check {name}"), |b| {
            b.iter(|| run(role, &file, None))
        });
        group.bench_function(format!("prepare {name}"), |b| {
            b.iter(|| run(role, &file, Some(&spool)));
        });
    }
    group.finish();
}

criterion_group!(benches, party);
criterion_main!(benches);
