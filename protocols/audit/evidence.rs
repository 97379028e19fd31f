//! The files of evidence: what they are called, and how they are read.

use std::io::{self, BufRead};

use crate::transparency::{MemoryStore, TileStore, is_tile};

/// The files beside the tiles.
pub mod file {
    use crate::transparency::CHECKPOINT;

    /// Lists the files below with their digests; only a pack has it.
    pub const MANIFEST: &str = "manifest.json";
    /// What is in the pack, in words and tables.
    pub const SUMMARY: &str = "SUMMARY.md";
    /// Checkpoints that the auditor kept, the smallest first; a line each.
    pub const EARLIER: &str = "checkpoints.jsonl";
    /// The documents behind the leaves, in the order of the leaves; a line each.
    pub const DOCUMENTS: &str = "documents.jsonl";
    /// The log's verifier key, one line.
    pub const KEY: &str = "key";
    /// What was drawn and how it was substantiated; a line each.
    pub const SAMPLES: &str = "samples.jsonl";

    /// The files that a manifest lists, in its order.
    pub const LISTED: [&str; 6] = [SUMMARY, CHECKPOINT, EARLIER, DOCUMENTS, KEY, SAMPLES];
}

/// A log's files and the documents beside them.
pub trait Evidence: TileStore {
    /// A file from its beginning; `None` if there is none.
    fn open(&self, path: &str) -> io::Result<Option<Box<dyn BufRead + '_>>>;

    /// The paths of all files that are not under `tile/`.
    fn others(&self) -> io::Result<Vec<String>>;
}

impl Evidence for MemoryStore {
    fn open(&self, path: &str) -> io::Result<Option<Box<dyn BufRead + '_>>> {
        let found = self.files.get(path);
        Ok(found.map(|bytes| Box::new(bytes.as_slice()) as Box<dyn BufRead>))
    }

    fn others(&self) -> io::Result<Vec<String>> {
        let others = self.files.keys().filter(|path| !path.starts_with("tile/"));
        Ok(others.cloned().collect())
    }
}

/// Whether a pack can have a file of this path: so none leads out of a directory.
pub(super) fn is_evidence(path: &str) -> bool {
    path == file::MANIFEST || file::LISTED.contains(&path) || is_tile(path)
}
