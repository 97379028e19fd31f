#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod archives;
mod flips;
mod forged;
mod honest;
mod mutations;
mod sampled;
mod story;
mod vectors;

use super::*;
use crate::transparency::{CHECKPOINT, MemoryStore, TileStore, publish};
use story::Story;

/// A log of these leaves and everything beside it: a pack whose manifest is right, whoever made it.
fn pack(story: &Story) -> MemoryStore {
    let mut store = bare(story);
    let lines = story.documents.concat();
    let lines: String = lines
        .iter()
        .map(|one| format!("{}\n", one.line()))
        .collect();
    let kept: String = story.kept.iter().map(|note| kept_line(note)).collect();
    store
        .files
        .insert(file::DOCUMENTS.into(), lines.into_bytes());
    store.files.insert(file::EARLIER.into(), kept.into_bytes());
    store
        .files
        .insert(file::SAMPLES.into(), sample_lines(story));
    store.files.insert(
        file::KEY.into(),
        format!("{}\n", story.key.vkey()).into_bytes(),
    );
    let summary = summarise(&store, &story.key.vkey()).map(|report| report.summary);
    close(story, &mut store, summary.unwrap_or_default());
    store
}

/// Writes summary and manifest.
fn close(story: &Story, store: &mut MemoryStore, summary: String) {
    store
        .files
        .insert(file::SUMMARY.into(), summary.into_bytes());
    let head = &store.files[CHECKPOINT];
    let head = crate::transparency::open_checkpoint(head, &story.key.vkey()).unwrap();
    let manifest = Manifest::of(store, &head).unwrap().to_bytes();
    store.files.insert(file::MANIFEST.into(), manifest);
}

fn sample_lines(story: &Story) -> Vec<u8> {
    let lines = story
        .samples
        .iter()
        .map(|line| serde_json::to_string(line).unwrap() + "\n");
    lines.collect::<String>().into_bytes()
}

fn kept_line(note: &str) -> String {
    let kept = Kept {
        checkpoint: note.to_owned(),
    };
    format!("{}\n", serde_json::to_string(&kept).unwrap())
}

/// The log alone, signed. Published in two steps, so that older partial files are there.
fn bare(story: &Story) -> MemoryStore {
    let leaves: Vec<Vec<u8>> = story.leaves.iter().map(|leaf| leaf.to_bytes()).collect();
    let mut store = MemoryStore::default();
    let (first, rest) = leaves.split_at(leaves.len() / 2);
    let (size, _) = publish(0, first, &mut store).unwrap();
    let (size, root) = publish(size, rest, &mut store).unwrap();
    let checkpoint = story.key.sign_checkpoint(size, &root);
    store.write(CHECKPOINT, checkpoint.as_bytes()).unwrap();
    store
}

fn check(story: &Story, store: &MemoryStore) -> Result<Report, Violation> {
    audit(store, &story.key.vkey(), &[])
}

/// The violation of a leaf by its documents.
fn problem(story: &Story) -> Option<Problem> {
    match check(story, &pack(story)) {
        Err(Violation::Leaf { problem, .. }) => Some(problem),
        _ => None,
    }
}

/// Whether a newer partial file has all that this one has.
fn is_older(path: &str, store: &MemoryStore) -> bool {
    let width = |path: &str| {
        path.split_once(".p/")
            .map(|(of, width)| (of.to_owned(), width.parse::<u64>()))
    };
    let Some((of, Ok(own))) = width(path) else {
        return false;
    };
    let newer = |other: &String| match width(other) {
        Some((other, Ok(width))) => other == of && width > own,
        _ => *other == of,
    };
    store.files.keys().any(newer)
}
