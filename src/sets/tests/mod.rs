#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bridging;
mod changes;
mod damage;
mod decoding;
mod deltas;
mod erasing;
mod extending;
mod renumbering;
mod sealing;
mod sorted;
mod spooling;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use proptest::prelude::*;
use tamis_protocols::intersection::PersonSet;
use tamis_protocols::token::Token;

use super::members::{Change, MemberFile};
use super::sort::Sorter;
use super::testing::*;
use super::*;

fn row(n: u32) -> TestRow {
    TestRow {
        identifiers: [Some(n), Some(n / 2), None],
        given: Some(AS_OF),
        opposed: false,
        segments: vec![(n % 3) as u16],
        cookies: vec![Some((n % 250) as u8), n.is_multiple_of(2).then_some(1)],
    }
}

fn job<'a>(
    bytes: Vec<u8>,
    dir: &'a Path,
    key: &'a tamis_keys::Secret<tamis_keys::purpose::Data>,
    entropy: &'a Seeded,
    cancel: &'a AtomicBool,
) -> SealJob<'a> {
    SealJob {
        source: Box::new(Cursor::new(bytes)),
        dir,
        key,
        set_id: "s",
        ledger: None,
        parent: None,
        expect: expectation(&graph()),
        memory: 1 << 20,
        entropy,
        threads: 2,
        progress: &|_| {},
        cancel,
    }
}

/// Names in a directory.
fn names(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}
