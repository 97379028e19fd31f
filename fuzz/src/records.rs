//! Consent records at rest, and their proofs.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use tamis::sets::{ChunkKeys, Ledger, LedgerPlace, SealJob, SetError, seal};
use tamis_protocols::consent::{ProofError, RecordProof};
use tamis_protocols::wire::batch::UploadKind::Crm;

use crate::resealed;
use crate::rows::{Generated, Seeded, expectation, header, key, token};

const ROWS: u64 = 700;
const UPLOAD: &str = "0123456789abcdef0123456789abcdef";
const HEAD: &str = "head";
const CHUNK: &str = "records.0.0";

/// A ledger, its files, and what it answers.
struct World {
    dir: tempfile::TempDir,
    files: BTreeMap<String, Vec<u8>>,
    answer: Vec<RecordProof>,
    root: [u8; 32],
}

thread_local! {
    static WORLD: World = World::new();
}

impl World {
    fn new() -> World {
        let dir = tempfile::tempdir_in(crate::place()).expect("a directory");
        let (own, seed) = (key("records"), key("seed"));
        let consent = dir.path().join("consent");
        seal(SealJob {
            source: Box::new(Generated::new(Crm, 0..ROWS)),
            dir: &dir.path().join("set"),
            key: &key("set"),
            set_id: UPLOAD,
            ledger: Some(LedgerPlace {
                dir: &consent,
                key: &own,
                seed: &seed,
            }),
            expect: expectation(&header(Crm)),
            memory: 1 << 20,
            entropy: &Seeded::new(5),
            threads: 1,
            parent: None,
            progress: &|_| {},
            cancel: &AtomicBool::new(false),
        })
        .expect("a set");
        let entries = fs::read_dir(&consent).expect("a ledger");
        let files = entries.map(|entry| {
            let entry = entry.expect("a file");
            let name = entry.file_name().into_string().expect("a name");
            (name, fs::read(entry.path()).expect("content"))
        });
        let mut made = World {
            files: files.collect(),
            dir,
            answer: Vec::new(),
            root: [0; 32],
        };
        made.answer = made.ask().expect("an answer");
        made.root = made.open().expect("a ledger").consent_root();
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("consent").join(name)
    }

    fn open(&self) -> Result<Ledger, SetError> {
        Ledger::open(&self.dir.path().join("consent"), &key("records"), UPLOAD)
    }

    /// Everything: found by token, proven by row, verified.
    fn ask(&self) -> Result<Vec<RecordProof>, SetError> {
        let keys = ChunkKeys::Seed(key("seed"));
        let mut ledger = self.open()?;
        let mut tokens: Vec<_> = (0..ROWS).step_by(37).map(|row| token(1, row)).collect();
        tokens.sort_unstable();
        let mut answer = Vec::new();
        for (_, row) in ledger.rows_of(&tokens, &keys)? {
            answer.extend(ledger.prove(row, &keys)?);
        }
        for row in [0, 63, 64, 255, 256, ROWS - 1, ROWS, u64::MAX] {
            answer.extend(ledger.prove(row, &keys)?);
        }
        ledger.verify(&keys)?;
        Ok(answer)
    }

    /// Asks with some files replaced.
    fn replaced(&self, files: &[(&str, &[u8])]) -> Result<Vec<RecordProof>, SetError> {
        for (name, bytes) in files {
            fs::write(self.path(name), bytes).expect("written");
        }
        let answer = self.ask();
        for (name, _) in files {
            fs::write(self.path(name), &self.files[*name]).expect("written");
        }
        answer
    }

    /// The file that the first byte of an input means.
    fn file(&self, at: u8) -> (&String, &Vec<u8>) {
        let at = usize::from(at) % self.files.len();
        self.files.iter().nth(at).expect("a file")
    }
}

fn with_world<T>(work: impl FnOnce(&World) -> T) -> T {
    WORLD.with(work)
}

pub(crate) fn proofs() -> Vec<Vec<u8>> {
    with_world(|world| {
        let some = world.answer.iter().take(4);
        some.map(|proof| serde_json::to_vec(proof).expect("a proof"))
            .collect()
    })
}

/// What a proof shows is the record that stood at its row.
pub(crate) fn proof(data: &[u8]) -> bool {
    let Ok(proof) = serde_json::from_slice::<RecordProof>(data) else {
        return false;
    };
    with_world(|world| {
        let checked = proof.check(&world.root);
        let known = (world.answer.iter()).find(|known| known.row == proof.row);
        if let (Ok(record), Some(known)) = (&checked, known) {
            let right = Some(hex::encode(record.to_bytes())) == known.record;
            assert!(right, "another record is proven");
        }
        assert!(known.is_some() || checked.is_err() || proof.row < ROWS);
        matches!(checked, Ok(_) | Err(ProofError::Erased))
    })
}

/// Which file of a ledger, then its content.
pub(crate) fn ledger_files() -> Vec<Vec<u8>> {
    with_world(|world| {
        let files = world.files.values().enumerate();
        files
            .map(|(at, bytes)| [&[at as u8], &bytes[..]].concat())
            .collect()
    })
}

/// One file is replaced: the ledger answers as before or not at all.
pub(crate) fn ledger(data: &[u8]) -> bool {
    let Some((at, content)) = data.split_first() else {
        return false;
    };
    with_world(|world| {
        let (name, good) = world.file(*at);
        let answer = world.replaced(&[(name, content)]);
        assert_eq!(answer.is_ok(), content == good, "{name} was changed");
        if let Ok(answer) = &answer {
            assert!(*answer == world.answer, "another answer");
        }
        answer.is_ok()
    })
}

/// The key and the context of a file.
fn sealing(name: &str) -> (tamis_keys::Secret<tamis_keys::purpose::Data>, String) {
    let key = match name == CHUNK {
        true => tamis::sets::chunk_key(&key("seed"), 0).expect("a key"),
        false => key("records"),
    };
    (key, format!("tamis/v1/ledger/{UPLOAD}/{name}"))
}

/// Which file of a ledger, then what is in it.
pub(crate) fn clear_files() -> Vec<Vec<u8>> {
    with_world(|world| {
        let files = world.files.iter().enumerate();
        files
            .map(|(at, (name, file))| {
                let (key, context) = sealing(name);
                let clear = resealed::clear(file, &key, &context);
                [&[at as u8], &clear[..]].concat()
            })
            .collect()
    })
}

/// One file has content that somebody with the key made up: no panic, and no record but what was committed
/// to as long as head and hashes are those that were written.
pub(crate) fn clear(data: &[u8]) -> bool {
    let Some((at, clear)) = data.split_first() else {
        return false;
    };
    with_world(|world| {
        let (name, file) = world.file(*at);
        let (key, context) = sealing(name);
        let made = resealed::sealed(file, clear, &key, &context);
        let answer = world.replaced(&[(name, &made)]);
        if let Ok(answer) = &answer
            && name != HEAD
        {
            let records = answer.iter().all(|proof| world.holds(proof));
            assert!(records, "a record that was never committed to");
        }
        answer.is_ok()
    })
}

impl World {
    /// Whether a proof leads to the batch head.
    fn holds(&self, proof: &RecordProof) -> bool {
        matches!(proof.check(&self.root), Ok(_) | Err(ProofError::Erased))
    }
}
