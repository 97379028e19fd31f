//! Erasing: what is left on the disk.

use super::super::block::BlockReader;
use tamis_protocols::wire::batch::UploadMode;

use super::super::run::Window;
use super::*;

/// Every byte of every file in the clear, the run as its tokens.
fn clear(layer: &Layer) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, file) in layer.files() {
        if name != super::super::run::INDEX {
            BlockReader::new(file.clone())
                .read_to_end(&mut bytes)
                .unwrap();
        }
    }
    let mut window = Window::new(layer.run());
    for page in 0..layer.run().index().len() {
        window.aim(page..page + 1);
        let view = window.page(0).unwrap();
        for at in 0..view.len() {
            bytes.extend_from_slice(&view.tokens.get(at).to_be_bytes());
        }
    }
    bytes
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn without(layer: &Layer, dir: &Path, tokens: &[Token], cancel: bool) -> Result<bool, SealError> {
    let owners = {
        let set = SealedSet::open(dir, &key(), layer.id()).unwrap();
        owners_of(&set, tokens).unwrap()
    };
    erase(EraseJob {
        layer,
        compacted: false,
        dir,
        key: &key(),
        entropy: &Seeded::new(9),
        owners: &owners,
        tokens,
        keep_tokens: false,
        cancel: &AtomicBool::new(cancel),
    })
}

#[test]
fn neither_token_nor_cookie_of_an_erased_person_is_left_and_all_others_are() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("p");
    // Twenty rows, no two of them one person, each with its own cookie.
    let rows: Vec<TestRow> = (0..20)
        .map(|n| TestRow {
            identifiers: [Some(n), Some(100 + n), None],
            cookies: vec![Some(100 + n as u8), Some(100 + n as u8)],
            ..row(n)
        })
        .collect();
    let set = sealed(&graph(), &rows, &dir, "p", 1 << 20);
    let before = clear(set.top());
    let gone = |bytes: &[u8], n: u32| {
        [
            holds(bytes, &token(0, n).0),
            holds(bytes, &token(1, 100 + n).0),
            holds(bytes, format!("cookie-{}", 100 + n).as_bytes()),
            holds(bytes, &tag(1, 100 + n as u8)),
        ]
    };
    assert_eq!(gone(&before, 7), [true; 4]);
    // One of the two identifiers is enough.
    let tokens = [token(0, 7)];
    assert!(without(set.top(), &dir, &tokens, false).unwrap());
    assert!(!home.path().join("p.tmp").exists());
    let set = SealedSet::open(&dir, &key(), "p").unwrap();
    set.verify().unwrap();
    let after = clear(set.top());
    assert_eq!(gone(&after, 7), [false; 4]);
    for n in (0..20).filter(|n| *n != 7) {
        assert_eq!(gone(&after, n), [true; 4], "{n}");
    }
    // Nothing is left to be done, and nothing is written.
    let bytes = fs::read(dir.join("header")).unwrap();
    assert!(!without(set.top(), &dir, &tokens, false).unwrap());
    assert_eq!(fs::read(dir.join("header")).unwrap(), bytes);
}

#[test]
fn an_advertisers_row_goes_with_its_segments() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("a");
    let rows: Vec<TestRow> = (0..20)
        .map(|n| TestRow {
            identifiers: [Some(n), Some(100 + n), None],
            ..row(n)
        })
        .collect();
    let set = sealed(&crm(), &rows, &dir, "a", 1 << 20);
    without(set.top(), &dir, &[token(1, 103)], false).unwrap();
    let set = SealedSet::open(&dir, &key(), "a").unwrap();
    set.verify().unwrap();
    let after = clear(set.top());
    assert!(!holds(&after, &token(0, 3).0) && !holds(&after, &token(1, 103).0));
    assert!(holds(&after, &token(0, 4).0));
    let mut walk = set.top().walk_rows().unwrap();
    let block = walk.next().unwrap().unwrap();
    let blank: Vec<usize> = (0..20).filter(|row| block.day(*row) == 0).collect();
    assert_eq!(blank, [3]);
}

#[test]
fn an_erasing_that_is_stopped_leaves_the_layer_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("p");
    let set = sealed(&graph(), &[row(1), row(7)], &dir, "p", 1 << 20);
    let tokens = [token(0, 7)];
    let stopped = without(set.top(), &dir, &tokens, true);
    assert!(matches!(stopped, Err(SealError::Cancelled)));
    assert_eq!(names(home.path()), BTreeSet::from(["p".to_owned()]));
    let set = SealedSet::open(&dir, &key(), "p").unwrap();
    assert!(!owners_of(&set, &tokens).unwrap().is_empty());
}

#[test]
fn a_delta_lies_on_the_layer_below_as_before_and_a_stranger_does_not() {
    let home = tempfile::tempdir().unwrap();
    let mut set = Growing::new(home.path(), graph(), 1 << 20);
    set.upload(UploadMode::Full, &[row(1), row(7)]);
    set.upload(UploadMode::Add, &[row(30)]);
    let base = Layer::open(&home.path().join("graph-0"), &key(), "graph-0").unwrap();
    without(&base, &home.path().join("graph-0"), &[token(0, 7)], false).unwrap();
    set.open().verify().unwrap();
    // The base sealed anew is another one, also with the same rows.
    fs::remove_dir_all(home.path().join("graph-0")).unwrap();
    let dir = home.path().join("graph-0");
    sealed(&graph(), &[row(1), row(7)], &dir, "graph-0", 1 << 20);
    let open = |id: &str| Layer::open(&home.path().join(id), &key(), id).unwrap();
    assert!(SealedSet::stacked(vec![open("graph-0"), open("graph-1")]).is_err());
}
