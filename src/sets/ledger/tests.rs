#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
//! Consent records at rest: every row can be proven, found by its tokens, and erased.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;
use tamis_protocols::consent::{
    Basis, ConsentEvent, ConsentRecord, ConsentState, ProofError, Purposes, part,
};
use tamis_protocols::token::Token;
use tamis_protocols::wire::batch::{UploadKind, WireHeader};

use super::super::block::FileNonce;
use super::super::testing::{Seeded, TestRow, encode, expectation, key, token};
use super::super::{SealJob, SealedSet, seal};
use super::*;

const UPLOAD: &str = "0123456789abcdef0123456789abcdef";

fn seed() -> Secret<Data> {
    Secret::from_bytes([4; 32])
}

fn seeded() -> ChunkKeys {
    ChunkKeys::Seed(seed())
}

fn place<'a>(dir: &'a Path, key: &'a Secret<Data>, seed: &'a Secret<Data>) -> LedgerPlace<'a> {
    LedgerPlace { dir, key, seed }
}

/// Records of several shapes; every third row has two tokens, and neighbours share one.
fn record(row: u32) -> ConsentRecord {
    let at = |seconds: i64| jiff::Timestamp::from_second(seconds).unwrap();
    let mut record = ConsentRecord {
        basis: (!row.is_multiple_of(5)).then_some(Basis::Consent),
        purposes: Purposes(0b1101),
        given_at: (!row.is_multiple_of(7)).then(|| at(1_777_957_200 - i64::from(row) * 977)),
        notice_version: Some(format!("v{}", row % 3)),
        source: (!row.is_multiple_of(2)).then(|| "app".to_owned()),
        opposed: row.is_multiple_of(11),
        ..ConsentRecord::default()
    };
    if row.is_multiple_of(13) {
        let details = record.details_mut();
        details.record_id = Some(format!("r-{row:04}"));
        details.jurisdiction = Some("FR".to_owned());
        details.history = vec![ConsentEvent {
            state: ConsentState::Given,
            at: at(1_777_000_000),
        }];
    }
    record
}

fn tokens(row: u32) -> Vec<Token> {
    let own = token(0, row);
    match row % 3 {
        0 => vec![own, token(1, row / 2)],
        1 => vec![own],
        _ => Vec::new(),
    }
}

/// Writes rows in batches, with chunks of at most `memory` / 8 bytes.
fn write(dir: &Path, rows: u32, batch: u32, memory: usize) -> [u8; 32] {
    let (key, seed, entropy) = (key(), seed(), Seeded::new(8));
    let mut ledger =
        LedgerWriter::create(place(dir, &key, &seed), UPLOAD, &entropy, memory).unwrap();
    let (mut packer, mut packed) = (Packer::new(true, 1_777_957_200), Packed::default());
    let mut first = 0;
    while first < rows {
        let count = batch.min(rows - first);
        packer.begin(&mut packed, count as usize, &entropy);
        for row in first..first + count {
            packer.push(&mut packed, &record(row), tokens(row).into_iter());
        }
        packer.end(&packed);
        ledger.batch(&packed).unwrap();
        first += count;
    }
    let written = ledger.finish(packer.tallying.finish(&BTreeMap::new()));
    let Written { staged, root } = written.unwrap();
    staged.publish().unwrap();
    tamis_protocols::consent::batch_head(u64::from(rows), &root)
}

fn open(dir: &Path) -> Ledger {
    Ledger::open(dir, &key(), UPLOAD).unwrap()
}

fn sorted(mut tokens: Vec<Token>) -> Vec<Token> {
    tokens.sort_unstable();
    tokens
}

/// Erases tokens as the service does; the keys that count then.
fn erase(dir: &Path, tokens: &[Token], keys: ChunkKeys) -> ChunkKeys {
    let entropy = Seeded::new(99);
    let mut ledger = open(dir);
    let mut own = BTreeMap::new();
    for chunk in 0..ledger.chunks() {
        let generation = keys.generation(chunk).unwrap();
        let fresh = Secret::generate(&entropy);
        let found = ledger
            .rewrite(chunk, tokens, &keys, &fresh, &entropy)
            .unwrap();
        let key = match (found, &keys) {
            (true, _) => ChunkKey {
                generation: generation + 1,
                key: fresh,
            },
            (false, ChunkKeys::Seed(seed)) => ChunkKey {
                generation,
                key: chunk_key(seed, chunk).unwrap(),
            },
            (false, ChunkKeys::Own(keys)) => ChunkKey {
                generation,
                key: Secret::from_bytes(*keys[&chunk].key.expose()),
            },
        };
        own.insert(chunk, key);
    }
    ChunkKeys::Own(own)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

/// Checks every row: proven, or erased.
fn check(dir: &Path, rows: u32, root: &[u8; 32], keys: &ChunkKeys, erased: impl Fn(u32) -> bool) {
    let mut ledger = open(dir);
    assert_eq!((ledger.rows(), ledger.consent_root()), (rows.into(), *root));
    for row in 0..rows {
        let proof = ledger.prove(row.into(), keys).unwrap().unwrap();
        match (proof.check(root), erased(row)) {
            (Ok(proven), false) => assert_eq!(proven, record(row), "row {row}"),
            (Err(ProofError::Erased), true) => {}
            (found, _) => panic!("row {row}: {found:?}"),
        }
        let looked_for = row % 7 == 0 || erased(row);
        for token in tokens(row).into_iter().filter(|_| looked_for) {
            let found = ledger.rows_of(&[token], keys).unwrap();
            assert_eq!(found.contains(&(token, row.into())), !erased(row));
        }
    }
    assert_eq!(ledger.prove(rows.into(), keys).unwrap(), None);
    ledger.verify(keys).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]
    #[test]
    fn every_row_is_proven_and_found_wherever_batches_and_chunks_end(
        rows in 0_u32..1_500,
        batch in 1_u32..900,
        memory in 0_usize..4 << 20,
        gone in proptest::collection::vec(0_u32..1_500, 0..6),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(UPLOAD);
        let root = write(&path, rows, batch, memory);
        check(&path, rows, &root, &seeded(), |_| false);
        let gone = sorted(gone.into_iter().flat_map(tokens).collect());
        let keys = erase(&path, &gone, seeded());
        Ledger::clear(&path, &keys).unwrap();
        let has = |row| tokens(row).iter().any(|token| gone.contains(token));
        check(&path, rows, &root, &keys, has);
        // Erasing again finds nobody, and nothing is rewritten.
        let before = names(&path);
        let keys = erase(&path, &gone, keys);
        prop_assert_eq!(names(&path), before);
        check(&path, rows, &root, &keys, has);
    }
}

#[test]
fn chunks_end_where_their_memory_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(UPLOAD);
    write(&path, 9_000, 1_000, 0);
    let ledger = open(&path);
    assert!(ledger.chunks() > 3, "{}", ledger.chunks());
    assert_eq!(names(&path).len() as u32, ledger.chunks() + 2);
}

#[test]
fn what_was_erased_opens_with_no_key_that_is_left_even_from_the_old_files() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = dir.path().join(UPLOAD);
    let root = write(&path, 4_000, 700, 0);
    // A copy of the disk of the day before.
    for name in names(&path) {
        fs::copy(path.join(&name), copy.path().join(&name)).unwrap();
    }
    let gone = sorted(tokens(1_234));
    assert!(!gone.is_empty());
    let row = u64::from(1_234_u32);
    let keys = erase(&path, &gone, seeded());
    Ledger::clear(&path, &keys).unwrap();
    let has = |row| tokens(row).iter().any(|token| gone.contains(token));
    check(&path, 4_000, &root, &keys, has);
    let touched = |chunk: u32| keys.generation(chunk) == Some(1);
    let chunk = (0..open(&path).chunks())
        .find(|chunk| touched(*chunk))
        .unwrap();
    // The old file of the chunk under every key that is left, in every place that it could claim.
    let old = fs::read(copy.path().join(chunk_name(chunk, 0))).unwrap();
    let ChunkKeys::Own(left) = &keys else {
        panic!("the seed is left");
    };
    for key in left.values() {
        for generation in [0, 1] {
            let name = chunk_name(chunk, generation);
            let place = copy.path().join(&name);
            fs::write(&place, &old).unwrap();
            let opened = super::chunk::Chunk::open(&place, &key.key, &context(UPLOAD, &name));
            assert!(opened.is_err());
        }
    }
    // Others of the same chunk are proven still; the whole chunk put back is not taken.
    fs::write(path.join(chunk_name(chunk, 1)), &old).unwrap();
    assert!(open(&path).prove(row, &keys).is_err());
}

#[test]
fn the_new_chunk_holds_neither_token_nor_salt_nor_record_of_who_was_erased() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(UPLOAD);
    let root = write(&path, 500, 500, 1 << 20);
    let proof = open(&path).prove(13, &seeded()).unwrap().unwrap();
    assert_eq!(proof.check(&root).unwrap(), record(13));
    let keys = erase(&path, &sorted(tokens(13)), seeded());
    let ChunkKeys::Own(left) = &keys else {
        panic!("the seed is left");
    };
    let context = context(UPLOAD, &chunk_name(0, 1));
    let file = path.join(chunk_name(0, 1));
    let file = super::super::block::BlockFile::open(&file, &left[&0].key, &context).unwrap();
    let mut plain = Vec::new();
    let mut buffer = Vec::new();
    let blocks = file.bytes().div_ceil(file.block_length() as u64);
    for block in 0..blocks {
        plain.extend_from_slice(file.block(block, &mut buffer).unwrap());
    }
    let holds = |bytes: &[u8]| plain.windows(bytes.len()).any(|window| window == bytes);
    assert!(!holds(&tokens(13)[0].0) && !holds(b"r-0013"));
    assert!(!holds(&hex::decode(proof.salt.unwrap()).unwrap()));
    assert!(holds(b"r-0026") && holds(&tokens(16)[0].0));
}

#[test]
fn what_a_killed_erasure_left_is_removed_and_what_counts_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(UPLOAD);
    let root = write(&path, 300, 300, 1 << 20);
    // Killed before its key was stored: the new file counts for nothing.
    erase(&path, &sorted(tokens(3)), seeded());
    fs::write(path.join("records.0.1.tmp"), b"torn").unwrap();
    assert_eq!(names(&path).len(), 5);
    check(&path, 300, &root, &seeded(), |_| false);
    Ledger::clear(&path, &seeded()).unwrap();
    assert_eq!(names(&path), ["hashes", "head", "records.0.0"]);
    // Killed after: the old one does.
    let keys = erase(&path, &sorted(tokens(3)), seeded());
    Ledger::clear(&path, &keys).unwrap();
    assert_eq!(names(&path), ["hashes", "head", "records.0.1"]);
}

#[test]
fn a_flipped_byte_anywhere_is_an_error_that_names_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(UPLOAD);
    write(&path, 3_000, 800, 0);
    let keys = erase(&path, &sorted(tokens(1)), seeded());
    Ledger::clear(&path, &keys).unwrap();
    let verify = || Ledger::open(&path, &key(), UPLOAD)?.verify(&keys);
    verify().unwrap();
    for name in names(&path) {
        let file = path.join(&name);
        let good = fs::read(&file).unwrap();
        let attack = |bytes: &[u8], what: &str| {
            fs::write(&file, bytes).unwrap();
            let error = verify().expect_err(what).to_string();
            assert!(
                error.starts_with(&format!("{UPLOAD}/{name}: ")),
                "{what}: {error}"
            );
        };
        for at in (0..48).chain((48..good.len()).step_by(good.len() / 60 + 1)) {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            attack(&bytes, "flipped");
        }
        for end in [0, 31, 32, 60, good.len() / 2, good.len() - 1] {
            attack(&good[..end], "cut");
        }
        attack(&[&good[..], &[0]].concat(), "longer");
        fs::remove_file(&file).unwrap();
        let error = verify().unwrap_err().to_string();
        assert!(error.starts_with(&format!("{UPLOAD}/{name}: ")), "{error}");
        fs::write(&file, good).unwrap();
    }
    verify().unwrap();
}

#[test]
fn a_sealed_upload_keeps_the_records_of_all_its_rows_and_logs_their_head() {
    let dir = tempfile::tempdir().unwrap();
    let (set, kept) = (dir.path().join("s"), dir.path().join("l"));
    let (key, seed) = (key(), seed());
    let header = WireHeader {
        labels: Default::default(),
        ..super::super::testing::crm()
    };
    assert_eq!(header.kind, UploadKind::Crm);
    let rows: Vec<TestRow> = (0..3_000)
        .map(|n| TestRow {
            identifiers: [Some(n), Some(n / 2), None],
            given: Some(super::super::testing::AS_OF),
            opposed: n % 7 == 0,
            segments: vec![0],
            cookies: Vec::new(),
        })
        .collect();
    let run = |entropy: u64| {
        seal(SealJob {
            source: Box::new(Cursor::new(encode(&header, &rows, 1))),
            dir: &set,
            key: &key,
            set_id: UPLOAD,
            ledger: Some(place(&kept, &key, &seed)),
            parent: None,
            expect: expectation(&header),
            memory: 1 << 20,
            entropy: &Seeded::new(entropy),
            threads: 2,
            progress: &|_| {},
            cancel: &AtomicBool::new(false),
        })
        .unwrap()
    };
    let report = run(1);
    let mut ledger = open(&kept);
    assert_eq!(report.consent_root, hex::encode(ledger.consent_root()));
    assert!(report.dropped["opposed"] > 0);
    for (n, row) in (0..).zip(&rows) {
        let proof = ledger.prove(n, &seeded()).unwrap().unwrap();
        assert_eq!(proof.check(&ledger.consent_root()).unwrap(), row.consent());
        let found = ledger.rows_of(&[token(0, n as u32)], &seeded()).unwrap();
        assert_eq!(found, [(token(0, n as u32), n)]);
    }
    ledger.verify(&seeded()).unwrap();
    let tallies = ledger.tallies();
    assert_eq!(tallies.rows, 3_000);
    assert_eq!(tallies.dropped.values["opposed"], report.dropped["opposed"]);
    // Run again it is recognised; without its ledger, or with another one, everything is made anew.
    let nonce = |path: &Path| -> FileNonce { fs::read(path).unwrap()[16..32].try_into().unwrap() };
    let before = (nonce(&set.join("header")), nonce(&kept.join("head")));
    assert_eq!(run(2), report);
    assert_eq!(
        (nonce(&set.join("header")), nonce(&kept.join("head"))),
        before
    );
    fs::remove_file(kept.join("head")).unwrap();
    let report = run(3);
    assert_eq!(report.consent_root, hex::encode(open(&kept).consent_root()));
    assert_eq!(
        SealedSet::open(&set, &key, UPLOAD).unwrap().report(),
        &report
    );
}

#[test]
fn a_record_without_special_fields_costs_few_bytes_beside_its_salt() {
    let mut chunk = super::build::ChunkBuilder::default();
    let mut shape = Vec::new();
    for row in 0..10_000_u32 {
        let mut record = record(1);
        record.given_at = record
            .given_at
            .map(|at| at - jiff::Span::new().seconds(i64::from(row)));
        let own = part(&record, &record.to_bytes(), &mut shape);
        let number = chunk.shape(&shape);
        chunk.push(number, &own, &[1; 32]);
    }
    assert!(chunk.weight() < 10_000 * (32 + 5), "{}", chunk.weight());
}
