//! Files whose seal is good and whose content is anything: an error, or something, but never a panic.

use super::*;
use crate::sets::block::{BlockFile, BlockReader, BlockWriter, STREAM_BLOCK};
use crate::sets::changes::{read_aliases, read_gone};
use crate::sets::classes::{RareRows, read_classes};
use crate::sets::cookies::CookieWalk;
use crate::sets::header::{SetHeader, context};
use std::sync::Arc;

fn file(path: &Path, context: &str, content: &[u8]) -> Arc<BlockFile> {
    let _ = fs::remove_file(path);
    let mut file = BlockWriter::create(path, &key(), context, &[7; 16], STREAM_BLOCK).unwrap();
    file.write(content).unwrap();
    file.close(false).unwrap();
    Arc::new(BlockFile::open(path, &key(), context).unwrap())
}

/// Bytes as they may come, and such that begin as the format does.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        Just(Vec::new()),
        Just(vec![0x3a, 0x30, 0, 0, 1, 0, 0, 0]),
        Just(b"{\"version\":3,\"kind\":\"crm\",\"files\":{".to_vec()),
        (0u8..40).prop_map(|n| vec![n, 0, 0, 0]),
        Just(
            b"\x3b\x00\x00\x00{\"collaboration\":\"c\",\"destination\":\"d\",\"origins\":[]}"
                .to_vec()
        ),
    ];
    (
        start,
        prop::collection::vec(prop_oneof![Just(0u8), 0u8..4, any::<u8>()], 0..300),
    )
        .prop_map(|(start, rest)| [start, rest].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn random_content_never_panics(content in content()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let found = file(&path, "c", &content);
        let _ = read_gone(found.clone());
        if let Ok(aliases) = read_aliases(found.clone()) {
            prop_assert!(aliases.iter().all(|(from, to)| to < from));
        }
        let _ = read_classes(found.clone());
        let mut rare = RareRows::new(found.clone());
        while let Ok(Some(_)) = rare.next() {}
        let mut cookies = CookieWalk::new(found.clone());
        while let Ok(true) = cookies.advance() {
            prop_assert!(cookies.cookie().len() <= 88);
        }
        let mut reader = BlockReader::new(found);
        let mut whole = Vec::new();
        reader.read_to_end(&mut whole).unwrap();
        prop_assert_eq!(whole, content.clone());

        file(&dir.path().join("header"), &context("s", "header"), &content);
        let _ = SetHeader::read(dir.path(), &key(), "s");

        file(&path, "tamis/v1/members/m", &content);
        if let Ok(members) = MemberFile::open(&path, &key(), "m") {
            let changes: Vec<_> = members::changes(None, &members).collect();
            let failed = changes.iter().position(Result::is_err);
            prop_assert!(failed.is_none_or(|at| at + 1 == changes.len()));
        }
    }
}
