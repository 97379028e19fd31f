//! Sealing tokens, and what it is measured against.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use tamis::sets::{DEFAULT_MEMORY, Source, TokenJob, seal_tokens};
use tamis_keys::entropy::SystemEntropy;
use tamis_keys::{Secret, purpose::Data};
use tamis_protocols::wire::batch::UploadKind;

use super::{THREADS, tokens::SEGMENTS};

/// Bytes that a row of a crm takes on the disk: its token with row, day and class, and its day once more.
const BYTES_PER_ROW: u64 = 26;

/// Known, as this is a benchmark.
pub fn key() -> Secret<Data> {
    Secret::from_bytes([5; 32])
}

/// What the sets are called.
pub const ID: &str = "bench";

pub fn seal(kind: &str, rows: u64, sources: Vec<Source<'_>>, dir: &Path, durable: bool) {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent).unwrap();
    }
    let crm = kind == "crm";
    seal_tokens(TokenJob {
        sources,
        kind: if crm {
            UploadKind::Crm
        } else {
            UploadKind::Graph
        },
        collaboration: "0123456789abcdef0123456789abcdef",
        epoch: 1,
        rows: rows as u32,
        segments: match crm {
            true => (0..SEGMENTS).map(|n| format!("s=v{n}")).collect(),
            false => Vec::new(),
        },
        classes: match crm {
            true => (0..SEGMENTS).map(|n| vec![n]).collect(),
            false => Vec::new(),
        },
        dir,
        key: &key(),
        id: ID,
        memory: DEFAULT_MEMORY,
        threads: THREADS,
        entropy: &SystemEntropy::new(),
        durable,
    })
    .unwrap();
}

/// Writes as many bytes in sequence and makes them durable: what the disk allows.
pub fn write_plain(rows: u64, file: &Path) {
    let mut out = File::create(file).unwrap();
    let mut left = rows * BYTES_PER_ROW;
    let block: Vec<u8> = (0..1u32 << 20)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    while left > 0 {
        let now = left.min(block.len() as u64);
        out.write_all(&block[..now as usize]).unwrap();
        left -= now;
    }
    out.sync_all().unwrap();
}
