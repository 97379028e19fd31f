//! Committed vectors: what the code makes must equal the file, byte for byte.
//!
//! `TAMIS_WRITE_VECTORS=1 cargo test -p tamis-protocols vectors` writes the files anew. A change there
//! is a change of protocol: every party that speaks it must change with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use tamis_keys::Entropy;

/// Compares `made` with `part/vectors/name`.
pub(crate) fn check(file: &str, made: &serde_json::Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = format!("{}\n", serde_json::to_string_pretty(made).unwrap());
    if std::env::var_os("TAMIS_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(
        committed == text,
        "{file} is not what the code makes: the protocol changed"
    );
}

/// Bytes that are the same in every run: SHA-256 of a counter.
pub(crate) struct Counting(AtomicU64);

impl Counting {
    pub(crate) fn new() -> Self {
        Counting(AtomicU64::new(0))
    }
}

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::Relaxed);
            let block = Sha256::digest(n.to_be_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

/// Gives exactly the bytes it was made with, then the next ones; for vectors that record what was drawn.
pub(crate) struct Recorded(std::sync::Mutex<std::collections::VecDeque<u8>>);

impl Recorded {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Recorded(std::sync::Mutex::new(bytes.iter().copied().collect()))
    }
}

impl Entropy for Recorded {
    fn fill(&self, out: &mut [u8]) {
        let mut left = self.0.lock().unwrap();
        for byte in out {
            *byte = left.pop_front().expect("no more bytes were recorded");
        }
    }
}
