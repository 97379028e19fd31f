//! The growing encrypted file of an upload.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;

use proptest::prelude::*;

use tamis_keys::envelope::BlockCipher;

use super::*;

fn create(path: &Path) -> Spool {
    Spool::create(path, &key(), "u1").unwrap()
}

fn open(path: &Path) -> Spool {
    Spool::open(path, &key(), "u1").unwrap()
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut reader = Spool::reader(path, &key(), "u1").map_err(std::io::Error::other)?;
    reader.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The indexes of all frames in the file.
fn indexes(path: &Path) -> Vec<u64> {
    let (bytes, mut at, mut found) = (fs::read(path).unwrap(), 24, Vec::new());
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        found.push(u64::from_le_bytes(
            bytes[at + 4..at + 12].try_into().unwrap(),
        ));
        at += 12 + length + BlockCipher::OVERHEAD;
    }
    found
}

#[test]
fn what_is_synced_survives_and_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("u");
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n / 7) as u8).collect();
    let mut spool = create(&path);
    spool.append(&bytes[..5]).unwrap();
    spool.sync().unwrap();
    spool.append(&bytes[5..2_500_000]).unwrap();
    spool.sync().unwrap();
    assert_eq!(spool.len(), 2_500_000);
    drop(spool);
    let mut spool = open(&path);
    assert_eq!(spool.len(), 2_500_000);
    spool.append(&bytes[2_500_000..]).unwrap();
    spool.sync().unwrap();
    assert_eq!(read(&path).unwrap(), bytes);
    let clear = fs::read(&path).unwrap();
    assert!(!clear.windows(64).any(|window| window == &bytes[..64]));
    assert!(Spool::create(&path, &key(), "u1").is_err());
    assert!(
        Spool::reader(&path, &key(), "u2")
            .unwrap()
            .read(&mut [0])
            .is_err()
    );
}

#[test]
fn a_torn_tail_is_dropped_wherever_it_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("u");
    let mut spool = create(&path);
    spool.append(&[1; 100]).unwrap();
    spool.sync().unwrap();
    let kept = fs::metadata(&path).unwrap().len() as usize;
    spool.append(&[2; 50]).unwrap();
    spool.sync().unwrap();
    drop(spool);
    let whole = fs::read(&path).unwrap();
    for end in kept..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        assert_eq!(open(&path).len(), 100, "cut at {end}");
        // The system may also have kept the length but not the bytes.
        let zeros = [&whole[..end], &vec![0; whole.len() - end]].concat();
        fs::write(&path, zeros).unwrap();
        assert_eq!(open(&path).len(), 100, "zeros from {end}");
    }
    let mut spool = open(&path);
    spool.append(&[3; 10]).unwrap();
    spool.sync().unwrap();
    assert_eq!(read(&path).unwrap(), [vec![1; 100], vec![3; 10]].concat());
}

#[test]
fn a_hole_in_the_unsynced_tail_drops_what_follows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("u");
    let mut spool = create(&path);
    spool.append(&[1; 10]).unwrap();
    spool.sync().unwrap();
    // Two full frames that were never synced: the first is lost, the second reached the disk.
    spool.append(&vec![2; 2 << 20]).unwrap();
    drop(spool);
    let mut bytes = fs::read(&path).unwrap();
    let start = 24 + 12 + 8 + 10 + BlockCipher::OVERHEAD + 12;
    bytes[start + 1000..start + 5000].fill(0);
    fs::write(&path, bytes).unwrap();
    assert_eq!(open(&path).len(), 10);
}

#[test]
fn truncation_takes_back_to_a_mark_and_never_seals_an_index_twice() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("u");
    let mut seen = BTreeSet::new();
    let mut spool = create(&path);
    spool.append(&[1; 10]).unwrap();
    spool.sync().unwrap();
    let mark = spool.len();
    for round in 0..3 {
        spool.append(&[round; 20]).unwrap();
        spool.sync().unwrap();
        let last = *indexes(&path).last().unwrap();
        assert!(seen.insert(last), "index {last} is used again");
        if round == 1 {
            drop(spool);
            spool = open(&path);
        }
        assert!(spool.truncate_to(15).is_err());
        spool.truncate_to(mark).unwrap();
        assert_eq!(spool.len(), 10);
    }
    spool.append(b"end").unwrap();
    spool.truncate_to(mark).unwrap();
    spool.append(b"other").unwrap();
    spool.sync().unwrap();
    assert_eq!(read(&path).unwrap(), [&[1; 10][..], b"other"].concat());
    spool.truncate_to(0).unwrap();
    assert!(spool.is_empty());
    assert!(read(&path).unwrap().is_empty());
}

#[test]
fn damage_in_what_was_durable_is_an_error_that_names_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("u");
    let mut spool = create(&path);
    for part in 0..3 {
        spool.append(&[part; 100]).unwrap();
        spool.sync().unwrap();
    }
    drop(spool);
    let good = fs::read(&path).unwrap();
    let frame = (good.len() - 24) / 3;
    for at in 24..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let error = read(&path).expect_err("flipped").to_string();
        assert!(error.contains("/u: "), "{error}");
    }
    let part = |i: usize| &good[24 + i * frame..24 + (i + 1) * frame];
    for frames in [[1, 0, 2], [0, 0, 1], [0, 2, 2]] {
        let moved = frames.map(part).concat();
        fs::write(&path, [&good[..24], &moved].concat()).unwrap();
        assert!(read(&path).is_err(), "{frames:?}");
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), magic in any::<bool>()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("u");
        let start: &[u8] = if magic { b"tamisspl\x01\0\0\0\0\0\0\0" } else { b"" };
        fs::write(&path, [start, &bytes].concat()).unwrap();
        let _ = read(&path);
        let _ = Spool::open(&path, &key(), "u1");
    }

    #[test]
    fn any_history_gives_what_was_kept(
        steps in prop::collection::vec((0u8..5, 0usize..3000), 0..25),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("u");
        let mut spool = create(&path);
        let (mut model, mut marks) = (Vec::new(), vec![0]);
        for (step, size) in steps {
            match step {
                0 | 1 => {
                    let bytes: Vec<u8> = (0..size).map(|n| (n + size) as u8).collect();
                    spool.append(&bytes).unwrap();
                    model.extend(bytes);
                }
                2 => {
                    spool.sync().unwrap();
                    marks.push(model.len());
                }
                3 => {
                    let mark = marks[size % marks.len()];
                    spool.truncate_to(mark as u64).unwrap();
                    model.truncate(mark);
                    marks.retain(|known| *known <= mark);
                }
                _ => {
                    drop(spool);
                    spool = open(&path);
                    model.truncate(*marks.last().unwrap());
                }
            }
            prop_assert_eq!(spool.len(), model.len() as u64);
        }
        spool.sync().unwrap();
        prop_assert_eq!(read(&path).unwrap(), model);
    }
}
