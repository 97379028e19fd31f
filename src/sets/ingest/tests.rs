//! Persons of a set that is extended.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::super::block::{BlockFile, BlockReader};
use super::super::header::context;
use super::super::rows::PERSONS;
use super::super::run::Record;
use super::super::sort::TokenSorter;
use super::super::testing::{Seeded, key};
use super::persons::{Known, Lookup};
use super::*;

/// Tokens by their first byte, and their persons.
struct Before(BTreeMap<u8, u32>);

impl Known for Before {
    fn next(&self) -> u32 {
        10
    }

    fn lookup(&self) -> Lookup<'_> {
        Box::new(|records, found| {
            for (at, record) in records.iter().enumerate() {
                if let Some(person) = self.0.get(&((record.token() >> 120) as u8)) {
                    found(at, *person);
                }
            }
            Ok(())
        })
    }
}

/// Writes the persons of rows with these tokens.
fn extend(dir: &Path, rows: &[&[u8]], memory: usize) -> (Vec<u32>, u32, Vec<(u32, u32)>) {
    let (key, entropy, cancel) = (key(), Seeded::new(1), AtomicBool::new(false));
    let mut files = Files {
        directory: dir,
        key: &key,
        set_id: "d",
        entropy: &entropy,
        durable: false,
        entries: BTreeMap::new(),
    };
    let sorter = TokenSorter::new(files.scratch(), memory, 2);
    let mut intake = sorter.intake();
    for (row, tokens) in (0..).zip(rows) {
        for token in *tokens {
            intake.push(Record::new([*token; 16], row, 9, 0)).unwrap();
        }
    }
    intake.finish();
    let known = Before(BTreeMap::from([(1, 7), (3, 3), (5, 7), (4, 5)]));
    let team = Team::new(2, &cancel, &|_| {});
    let count = rows.len() as u32;
    let (tokens, known) = (sorter.finish(), Some(&known as &dyn Known));
    let made = write_persons(&mut files, tokens, count, known, memory, &team).unwrap();
    let file = BlockFile::open(&dir.join(PERSONS), &key, &context("d", PERSONS)).unwrap();
    let (mut reader, mut person) = (BlockReader::new(Arc::new(file)), [0; 4]);
    let mut persons = Vec::new();
    while reader.read(&mut person).unwrap() {
        persons.push(u32::from_le_bytes(person));
    }
    (persons, made.new, made.aliases)
}

#[test]
fn known_persons_that_rows_join_become_the_smallest_of_them() {
    // Rows 0 and 1 meet and touch 7 and 3; row 3 touches 7 as well, so it is one with them.
    let rows: [&[u8]; 6] = [&[1, 2], &[2, 3], &[4], &[5, 6], &[9], &[8, 200]];
    for memory in [0, 64 << 20] {
        let dir = tempfile::tempdir().unwrap();
        let (persons, new, aliases) = extend(dir.path(), &rows, memory);
        // The new ones in the order of their tokens: 8 before 9.
        assert_eq!(persons, [3, 3, 5, 3, 11, 10]);
        assert_eq!((new, aliases), (2, vec![(7, 3)]));
    }
}
