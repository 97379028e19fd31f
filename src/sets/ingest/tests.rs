//! Persons of a set that is extended.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use super::super::block::{BlockFile, BlockReader};
use super::super::header::context;
use super::super::rows::{NOBODY, PERSONS};
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
    let known = Before(BTreeMap::from([(1, 7), (3, 3), (5, 7), (4, 5)]));
    write(dir, rows, &[], &known, memory)
}

/// The same, with what is known; the rows in `out` are not let in.
fn write(
    dir: &Path,
    rows: &[&[u8]],
    out: &[u32],
    known: &dyn Known,
    memory: usize,
) -> (Vec<u32>, u32, Vec<(u32, u32)>) {
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
            let day = if out.contains(&row) { 0 } else { 9 };
            intake.push(Record::new([*token; 16], row, day, 0)).unwrap();
        }
    }
    intake.finish();
    let team = Team::new(2, &cancel, &|_| {});
    let count = rows.len() as u32;
    let (tokens, known) = (sorter.finish(), Some(known));
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

#[test]
fn rows_that_are_not_let_in_are_nobody_and_join_nobody() {
    /// Notes what it is shown, and knows nobody.
    struct Shown(Mutex<Vec<u8>>);
    impl Known for Shown {
        fn next(&self) -> u32 {
            10
        }
        fn lookup(&self) -> Lookup<'_> {
            Box::new(|records, _| {
                let mut shown = self.0.lock().unwrap();
                shown.extend(records.iter().map(|record| (record.token() >> 120) as u8));
                Ok(())
            })
        }
    }
    // Row 1 would join 0 and 2, row 4 is alone with its token, row 5 shares with 3 what 6 has too.
    let rows: [&[u8]; 7] = [&[1], &[1, 2], &[2], &[7], &[9], &[7], &[7, 8]];
    for memory in [0, 64 << 20] {
        let (dir, shown) = (tempfile::tempdir().unwrap(), Shown(Mutex::default()));
        let made = write(dir.path(), &rows, &[1, 4, 5], &shown, memory);
        assert_eq!(
            made,
            (vec![10, NOBODY, 11, 12, NOBODY, NOBODY, 12], 3, Vec::new())
        );
        let mut shown = shown.0.into_inner().unwrap();
        shown.sort_unstable();
        shown.dedup();
        assert_eq!(shown, [1, 2, 7, 8, 9]);
    }
}
