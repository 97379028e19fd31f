//! Sealing tokens, and what it is measured against.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use tamis::sets::{
    CompactJob, DEFAULT_MEMORY, Layer as OpenLayer, SealedSet, Source, TokenJob, compact,
    seal_tokens,
};
use tamis_keys::entropy::SystemEntropy;
use tamis_keys::{Secret, purpose::Data};
use tamis_protocols::wire::batch::{UploadKind, UploadMode};

use super::THREADS;
use super::tokens::{self, SEGMENTS};

/// Bytes that a row of a crm takes on the disk: its token with row, day and class, and its day once more.
const BYTES_PER_ROW: u64 = 26;

/// Known, as this is a benchmark.
pub fn key() -> Secret<Data> {
    Secret::from_bytes([5; 32])
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is wired here")]
fn entropy() -> SystemEntropy {
    SystemEntropy::new()
}

/// What the sets are called.
pub const ID: &str = "bench";

/// What is sealed, and on top of what.
pub struct Layer<'a> {
    pub kind: UploadKind,
    pub rows: u64,
    pub sources: Vec<Source<'a>>,
    pub mode: UploadMode,
    pub parent: Option<&'a SealedSet>,
    pub id: &'a str,
}

impl<'a> Layer<'a> {
    /// A whole set.
    pub fn full(kind: UploadKind, rows: u64, sources: Vec<Source<'a>>) -> Self {
        Layer {
            kind,
            rows,
            sources,
            mode: UploadMode::Full,
            parent: None,
            id: ID,
        }
    }

    pub fn seal(self, dir: &Path, durable: bool) {
        if let Some(parent) = dir.parent() {
            fs::create_dir_all(parent).unwrap();
        }
        let segments = match self.kind {
            UploadKind::Crm => SEGMENTS,
            UploadKind::Graph => 0,
        };
        seal_tokens(TokenJob {
            sources: self.sources,
            kind: self.kind,
            mode: self.mode,
            parent: self.parent,
            collaboration: "0123456789abcdef0123456789abcdef",
            epoch: 1,
            rows: self.rows as u32,
            segments: (0..segments).map(|n| format!("s=v{n}")).collect(),
            classes: (0..segments).map(|n| vec![n]).collect(),
            dir,
            key: &key(),
            id: self.id,
            memory: DEFAULT_MEMORY,
            threads: THREADS,
            entropy: &entropy(),
            durable,
        })
        .unwrap();
    }
}

/// The set in a directory: a full one, a full one with the delta of `refresh` on it, or a compacted one.
pub fn open(base: &Path, deltas: Option<&Path>) -> SealedSet {
    let Some(deltas) = deltas else {
        return match base.file_name().is_some_and(|name| name == COMPACTED) {
            true => SealedSet::compacted(base, &key(), REFRESHED).unwrap(),
            false => SealedSet::open(base, &key(), ID).unwrap(),
        };
    };
    let layers = [(base.to_owned(), ID), (deltas.join(REFRESHED), REFRESHED)];
    let layers = layers.into_iter();
    let layers = layers.map(|(dir, id)| OpenLayer::open(&dir, &key(), id).unwrap());
    SealedSet::stacked(layers.collect()).unwrap()
}

/// The delta, and its directory.
const REFRESHED: &str = "refreshed";
/// The directory of a compacted set.
const COMPACTED: &str = "compacted";

/// A day's work on a graph of `rows` rows: a hundredth of them is said anew.
pub fn refresh(graph: &Path, rows: u64, first: u64, dir: &Path) {
    let few = rows / 100;
    let base = open(graph, None);
    Layer {
        mode: UploadMode::Refresh,
        parent: Some(&base),
        id: REFRESHED,
        ..Layer::full(
            UploadKind::Graph,
            few,
            tokens::sources(first, few, THREADS, false),
        )
    }
    .seal(&dir.join(REFRESHED), true);
}

/// Writes the refreshed set as one layer.
pub fn compacted(graph: &Path, dir: &Path) {
    compact(CompactJob {
        set: &open(graph, Some(dir)),
        dir: &dir.join(COMPACTED),
        key: &key(),
        entropy: &entropy(),
        progress: &|_| {},
        cancel: &AtomicBool::new(false),
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
