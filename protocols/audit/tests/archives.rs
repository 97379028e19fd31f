//! Packs as streams, honest and hostile.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::archive::{ArchiveError, Limits, Packer, unpack};
use super::*;

/// Files that are being written.
#[derive(Default)]
struct Out(std::cell::RefCell<BTreeMap<String, Vec<u8>>>);

struct One<'a>(&'a Out, String);

impl Write for One<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut files = self.0.0.borrow_mut();
        files
            .entry(self.1.clone())
            .or_default()
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn read(bytes: &[u8], limits: Limits) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
    let out = Out::default();
    unpack(bytes, limits, |path| {
        out.0.borrow_mut().insert(path.to_owned(), Vec::new());
        Ok(One(&out, path.to_owned()))
    })?;
    Ok(out.0.into_inner())
}

fn written(store: &MemoryStore) -> Vec<u8> {
    let mut packer = Packer::new(Vec::new());
    let rest = store
        .files
        .iter()
        .filter(|(path, _)| *path != file::MANIFEST);
    let manifest = store.files.get_key_value(file::MANIFEST);
    for (path, content) in manifest.into_iter().chain(rest) {
        let size = content.len() as u64;
        packer.add(path, size, &mut content.as_slice()).unwrap();
    }
    packer.finish().unwrap()
}

#[test]
fn what_was_packed_is_what_is_unpacked() {
    let store = pack(&Story::whole());
    assert_eq!(
        read(&written(&store), Limits::default()).unwrap(),
        store.files
    );
}

#[test]
fn every_flipped_byte_of_a_pack_is_found() {
    let story = Story::whole();
    let store = pack(&story);
    let bytes = written(&store);
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1 << (at % 8);
        let holds = read(&altered, Limits::default())
            .is_ok_and(|files| check(&story, &MemoryStore { files }).is_ok());
        assert!(!holds, "byte {at}");
    }
}

#[test]
fn a_pack_that_is_cut_or_goes_on_is_refused() {
    let bytes = written(&pack(&Story::whole()));
    for length in (0..bytes.len()).step_by(97) {
        assert!(
            read(&bytes[..length], Limits::default()).is_err(),
            "{length}"
        );
    }
    for more in [&[0][..], &[0; 512], b"x"] {
        let longer = [&bytes[..], more].concat();
        assert!(read(&longer, Limits::default()).is_err());
    }
    assert!(
        read(&[0; 1024], Limits::default()).is_err(),
        "no file at all"
    );
}

#[test]
fn no_path_but_those_of_evidence_can_be_written_or_read() {
    for path in [
        "../key",
        "/etc/passwd",
        "tile/../key",
        "tile/0/000/../../../x",
        "key/",
        "./key",
        "",
        "link",
        "tile/entries/000\0",
        "KEY",
        "tile/9/000",
    ] {
        let mut packer = Packer::new(Vec::new());
        assert!(packer.add(path, 0, &mut io::empty()).is_err(), "{path}");
        // The same said by a header whose sum is right.
        let mut header = [0_u8; 512];
        header[..path.len()].copy_from_slice(path.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(b"00000000000");
        header[156] = b'0';
        let bytes = [&signed(header)[..], &[0; 1024]].concat();
        let refused = read(&bytes, Limits::default());
        assert!(matches!(refused, Err(ArchiveError::Header(0))), "{path}");
    }
}

/// A header with the sum that it must have.
fn signed(mut header: [u8; 512]) -> [u8; 512] {
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

#[test]
fn links_devices_and_owners_are_refused() {
    let bytes = written(&pack(&Story::whole()));
    let first: [u8; 512] = bytes[..512].try_into().unwrap();
    for (at, value) in [
        (156, b'1'),
        (156, b'2'),
        (156, b'5'),
        (156, b'x'),
        (156, b'L'),
        (157, b'k'),
        (103, b'7'),
        (113, b'1'),
        (146, b'1'),
        (345, b'a'),
    ] {
        let mut header = first;
        header[at] = value;
        let altered = [&signed(header)[..], &bytes[512..]].concat();
        let refused = read(&altered, Limits::default());
        assert!(
            matches!(refused, Err(ArchiveError::Header(0))),
            "{at} {value}"
        );
    }
}

#[test]
fn doubled_and_disordered_files_are_refused() {
    let one = |path: &str| {
        let mut packer = Packer::new(Vec::new());
        packer.add(path, 3, &mut &b"one"[..]).unwrap();
        let mut bytes = packer.finish().unwrap();
        bytes.truncate(1024);
        bytes
    };
    for paths in [
        &["key"][..],
        &["manifest.json", "manifest.json"],
        &["manifest.json", "key", "key"],
        &["manifest.json", "key", "checkpoint"],
        &["key", "manifest.json"],
    ] {
        let mut bytes: Vec<u8> = paths.iter().flat_map(|path| one(path)).collect();
        bytes.extend([0; 1024]);
        let refused = read(&bytes, Limits::default());
        assert!(matches!(refused, Err(ArchiveError::Order(_))), "{paths:?}");
    }
}

#[test]
fn what_is_larger_than_allowed_is_refused_before_it_is_written() {
    let bytes = written(&pack(&Story::whole()));
    for limits in [
        Limits {
            files: 3,
            ..Limits::default()
        },
        Limits {
            file: 100,
            ..Limits::default()
        },
        Limits {
            all: 2_000,
            ..Limits::default()
        },
    ] {
        let out = Out::default();
        let refused = unpack(&bytes[..], limits, |path| Ok(One(&out, path.to_owned())));
        assert!(matches!(refused, Err(ArchiveError::Limit(_))));
        let kept: usize = out.0.borrow().values().map(Vec::len).sum();
        assert!(kept as u64 <= limits.all);
    }
}
