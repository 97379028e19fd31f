//! Tokens of rows of an endless population: uniformly random, the same in every run.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use tamis::sets::{Record, Source};

/// Segments; row `n` is in segment `n % 16`.
pub const SEGMENTS: u16 = 16;
/// A day in 2030.
const DAY: u16 = 22_000;
/// Records handed over at a time.
const BATCH: u64 = 1 << 14;

/// The token of a row, mixed so that it is uniformly spread (splitmix64, twice).
fn token(row: u64) -> [u8; 16] {
    let mix = |mut x: u64| {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let high = mix((row + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    (u128::from(high) << 64 | u128::from(mix(high ^ 5))).to_be_bytes()
}

fn record(token: [u8; 16], owner: u64, crm: bool) -> Record {
    let class = if crm { owner as u16 % SEGMENTS } else { 0 };
    Record::new(token, owner as u32, DAY, class)
}

pub fn write(rows: u64, first: u64, file: &Path) {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file).unwrap());
    (first..first + rows).for_each(|row| out.write_all(&token(row)).unwrap());
    out.into_inner().unwrap();
}

/// Rows `0..rows` with the tokens of `first + row`, in as many parts as there are threads.
pub fn sources(first: u64, rows: u64, threads: usize, crm: bool) -> Vec<Source<'static>> {
    parts(rows, threads, move |row, records| {
        records.push(record(token(first + row), row, crm));
    })
}

/// The tokens of a file, and how many they are.
pub fn from_file(file: &Path, threads: usize, crm: bool) -> (u64, Vec<Source<'static>>) {
    let rows = std::fs::metadata(file).unwrap().len() / 16;
    let threads = threads as u64;
    let part = |part: u64| -> Source<'static> {
        let (mut next, end) = (rows * part / threads, rows * (part + 1) / threads);
        let file = File::open(file).unwrap();
        let mut bytes = vec![0; 16 * BATCH as usize];
        Box::new(move |records| {
            let count = BATCH.min(end - next);
            let bytes = &mut bytes[..16 * count as usize];
            file.read_exact_at(bytes, 16 * next).unwrap();
            let tokens = (next..).zip(bytes.as_chunks().0);
            records.extend(tokens.map(|(row, token)| record(*token, row, crm)));
            next += count;
            next < end
        })
    };
    (rows, (0..threads).map(part).collect())
}

fn parts(
    rows: u64,
    threads: usize,
    push: impl Fn(u64, &mut Vec<Record>) + Clone + Send + 'static,
) -> Vec<Source<'static>> {
    let threads = threads as u64;
    let part = |part: u64| -> Source<'static> {
        let (mut next, end) = (rows * part / threads, rows * (part + 1) / threads);
        let push = push.clone();
        Box::new(move |records| {
            let to = end.min(next + BATCH);
            (next..to).for_each(|row| push(row, records));
            next = to;
            next < end
        })
    };
    (0..threads).map(part).collect()
}
