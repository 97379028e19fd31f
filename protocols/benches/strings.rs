//! What a consent string costs a row on one core: `cargo bench -p tamis-protocols --bench strings`.
//!
//! A TC string with 800 vendors in bit fields, as a platform with the whole vendor list makes them; the same
//! as ranges of a few; a GPP string of two sections. Read and, in the last, made a record of. Two other
//! readers run beside ours, which check less.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use std::hint::black_box;
use std::str::FromStr;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use iab_gpp::v1::GPPString;
use jiff::civil::date;
use lib_tcstring::TcModelV2;
use tamis_protocols::iab::gpp::GppString;
use tamis_protocols::iab::tcf::TcString;
use tamis_protocols::iab::to_record;

/// A few vendors, as ranges.
const FEW: &str = "CPSG_8APSG_8AAAAAAENAAFgAAAAAAAAAAAAFpQAwAAgCtAWkAAAAAAA.IFpQBQAAwAKAAsADoArQFpAA.YAAAAAAAAAAA";

/// `FEW` with all of 800 vendors in the bit fields of its core and of the segment of those disclosed.
fn many() -> String {
    let vendors = |out: &mut String| {
        out.push_str(&format!("{:016b}0", 800));
        out.extend((0..800).map(|id| if id % 7 == 3 { '0' } else { '1' }));
    };
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut core: String = FEW.chars().take(36).fold(String::new(), |bits, character| {
        format!("{bits}{:06b}", alphabet.find(character).unwrap())
    });
    core.truncate(213);
    vendors(&mut core);
    vendors(&mut core);
    core.push_str("000000000000");
    let mut disclosed = "001".to_owned();
    vendors(&mut disclosed);
    let text = |mut bits: String| -> String {
        bits.push_str(&"0".repeat(24 - bits.len() % 24));
        let index = |at: usize| usize::from_str_radix(&bits[at..at + 6], 2).unwrap();
        let letters = (0..bits.len()).step_by(6).map(index);
        letters
            .map(|index| char::from(alphabet.as_bytes()[index]))
            .collect()
    };
    format!("{}.{}", text(core), text(disclosed))
}

fn strings(c: &mut Criterion) {
    let mut group = c.benchmark_group("strings");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .throughput(Throughput::Elements(1));
    let (many, gpp) = (many(), format!("DBACNYA~{FEW}~1YNN"));
    for (name, text) in [("few vendors", FEW), ("800 vendors", &many)] {
        assert!(TcString::parse(text).is_ok() && TcModelV2::try_from(text).is_ok());
        group.bench_function(format!("read a TC string, {name}"), |b| {
            b.iter(|| TcString::parse(black_box(text)));
        });
        group.bench_function(format!("the same with lib_tcstring, {name}"), |b| {
            b.iter(|| TcModelV2::try_from(black_box(text)));
        });
    }
    group.bench_function("read a GPP string of two sections", |b| {
        b.iter(|| GppString::parse(black_box(&gpp)));
    });
    group.bench_function("the same with iab_gpp", |b| {
        b.iter(|| GPPString::from_str(black_box(&gpp)).map(|read| read.decode_all_sections()));
    });
    group.bench_function("make a record of 800 vendors", |b| {
        b.iter(|| to_record(black_box(&many), date(2026, 11, 26), &[28, 755]));
    });
    group.finish();
}

criterion_group!(benches, strings);
criterion_main!(benches);
