//! Evidence packs: the archive, and every file of a pack.

use std::io;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tamis_keys::Secret;
use tamis_protocols::audit::archive::{Limits, Packer, unpack};
use tamis_protocols::audit::{Document, Manifest, audit, file, summarise};
use tamis_protocols::transparency::{
    CHECKPOINT, Event, Leaf, LogKey, MemoryStore, TileStore, key_fingerprint, open_checkpoint,
    publish,
};

/// Parties that enrolled.
const PARTIES: u8 = 20;

/// What an archive may hold here.
const LIMITS: Limits = Limits {
    files: 64,
    file: 1 << 20,
    all: 4 << 20,
};

struct Made {
    store: MemoryStore,
    vkey: String,
    paths: Vec<String>,
}

/// A pack of a log in which parties enrol.
fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let key = LogKey::new(Secret::from_bytes([5; 32]), "tamis.example/log").expect("a key");
        let (mut store, vkey) = (MemoryStore::default(), key.vkey());
        let leaves: Vec<Vec<u8>> = (0..PARTIES).map(leaf).collect();
        let (size, root) = publish(0, &leaves, &mut store).expect("a log");
        let documents: Vec<String> = (0..PARTIES).map(document).collect();
        for (path, content) in [
            (CHECKPOINT, key.sign_checkpoint(size, &root)),
            (file::DOCUMENTS, documents.concat()),
            (file::EARLIER, String::new()),
            (file::SAMPLES, String::new()),
            (file::KEY, format!("{vkey}\n")),
        ] {
            store.write(path, content.as_bytes()).expect("a file");
        }
        let summary = summarise(&store, &vkey).expect("a pack").summary;
        store
            .write(file::SUMMARY, summary.as_bytes())
            .expect("a file");
        let head = open_checkpoint(&store.files[CHECKPOINT], &vkey).expect("a checkpoint");
        let manifest = Manifest::of(&store, &head).expect("a manifest").to_bytes();
        store.write(file::MANIFEST, &manifest).expect("a file");
        let paths = store.files.keys().cloned().collect();
        Made { store, vkey, paths }
    })
}

fn leaf(n: u8) -> Vec<u8> {
    let event = Event::Enrolment {
        party: format!("party-{n}"),
        role: "advertiser".to_owned(),
        signing_key: key_fingerprint(&[n; 32]),
        sealing_key: None,
    };
    Leaf::new("2026-11-22T09:00:00Z".to_owned(), "operator", event, None).to_bytes()
}

fn document(n: u8) -> String {
    let signing_key = STANDARD.encode([n; 32]);
    let keys = Document::Keys {
        signing_key,
        sealing_key: None,
    };
    keys.line() + "\n"
}

/// The pack as an archive.
pub(crate) fn archives() -> Vec<Vec<u8>> {
    let made = made();
    let mut packer = Packer::new(Vec::new());
    let rest = made.paths.iter().filter(|path| *path != file::MANIFEST);
    for path in std::iter::once(&file::MANIFEST.to_owned()).chain(rest) {
        let content = &made.store.files[path];
        let added = packer.add(path, content.len() as u64, &mut content.as_slice());
        added.expect("a file");
    }
    vec![packer.finish().expect("an archive")]
}

/// An archive has one spelling: what is read is written again the same; and no more than is allowed.
pub(crate) fn archive(data: &[u8]) -> bool {
    let mut files: Vec<(String, Kept)> = Vec::new();
    let read = unpack(data, LIMITS, |path| {
        let kept = Kept::default();
        files.push((path.to_owned(), kept.clone()));
        Ok(kept)
    });
    let all: usize = files.iter().map(|(_, kept)| kept.bytes().len()).sum();
    assert!(all as u64 <= LIMITS.all);
    if read.is_err() {
        return false;
    }
    let mut packer = Packer::new(Vec::new());
    for (path, kept) in &files {
        let content = kept.bytes();
        let added = packer.add(path, content.len() as u64, &mut content.as_slice());
        added.expect("a file that was read");
    }
    assert_eq!(packer.finish().expect("an archive"), data);
    true
}

/// A file in memory.
#[derive(Clone, Default)]
struct Kept(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

impl Kept {
    fn bytes(&self) -> Vec<u8> {
        self.0.borrow().clone()
    }
}

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Which file, then its content.
pub(crate) fn files() -> Vec<Vec<u8>> {
    let made = made();
    let files = made.paths.iter().enumerate();
    files
        .map(|(at, path)| [&[at as u8], &made.store.files[path][..]].concat())
        .collect()
}

/// One file of a pack is replaced, and unless it is the manifest that is made anew: the pack holds only if the
/// file is the same.
pub(crate) fn pack(data: &[u8]) -> bool {
    let (made, Some((at, content))) = (made(), data.split_first()) else {
        return false;
    };
    let path = &made.paths[usize::from(*at) % made.paths.len()];
    let mut store = made.store.clone();
    store.files.insert(path.clone(), content.to_vec());
    if let Some(head) = open_checkpoint(&store.files[CHECKPOINT], &made.vkey)
        && path != file::MANIFEST
    {
        let manifest = Manifest::of(&store, &head).expect("a manifest").to_bytes();
        store.files.insert(file::MANIFEST.to_owned(), manifest);
    }
    let holds = audit(&store, &made.vkey, &[]).is_ok();
    let real = &made.store.files[path];
    // Lines of unknown keys may stand behind the log's own.
    let same = real == content || (path == CHECKPOINT && content.starts_with(real));
    assert!(same || !holds, "{path} was changed, and nobody noticed");
    assert!(real != content || holds);
    holds
}
