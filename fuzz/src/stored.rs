//! Files at rest. Every byte of them is authenticated: with a changed file the answer is the one of
//! before, or an error.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use tamis::matching::{Engine, LocalEngine, MatchPlan, Question};
use tamis::sets::members::{self, Change, MemberFile};
use tamis::sets::{SealJob, SealedSet, SetError, Spool, read_tokens, seal, write_tokens};
use tamis_protocols::intersection::Expression;
use tamis_protocols::token::Token;
use tamis_protocols::wire::batch::UploadKind::{self, Crm, Graph};

use crate::rows::{AS_OF, Generated, Seeded, expectation, header, key, token};

/// Rows of each set: a few pages of tokens.
const ROWS: u64 = 400;
pub(crate) const MEMBERS: &str = "audience";
pub(crate) const LIST: &str = "people";
const SPOOL: &str = "upload";

/// Two sets, a list, a member file and a spool, whole.
pub(crate) struct World {
    dir: tempfile::TempDir,
    /// Content of every file of the sets, by side and name.
    files: [BTreeMap<String, Vec<u8>>; 2],
    answer: Answer,
}

/// What the sets answer: per question who is reached, and how a destination is told.
#[derive(PartialEq)]
struct Answer {
    reached: Vec<Vec<bool>>,
    told: Vec<Vec<u8>>,
}

thread_local! {
    static WORLD: World = World::new();
}

/// The world of this thread.
pub(crate) fn with_world<T>(work: impl FnOnce(&World) -> T) -> T {
    WORLD.with(work)
}

fn side(kind: UploadKind) -> usize {
    usize::from(kind == Graph)
}

impl World {
    fn new() -> World {
        let dir = tempfile::tempdir_in(crate::place()).expect("a directory");
        for (kind, range) in [(Crm, 0..ROWS), (Graph, ROWS / 2..ROWS * 3 / 2)] {
            seal(SealJob {
                source: Box::new(Generated::new(kind, range)),
                dir: &dir.path().join(kind.as_str()),
                key: &key(kind.as_str()),
                set_id: kind.as_str(),
                ledger: None,
                expect: expectation(&header(kind)),
                memory: 1 << 20,
                entropy: &Seeded::new(5),
                threads: 1,
                parent: None,
                progress: &|_| {},
                cancel: &AtomicBool::new(false),
            })
            .expect("a set");
        }
        let files = [Crm, Graph].map(|kind| content(&dir.path().join(kind.as_str())));
        let world = |answer| World { dir, files, answer };
        let mut made = world(Answer {
            reached: Vec::new(),
            told: Vec::new(),
        });
        made.answer = made.ask().expect("an answer");
        let path = made.path(LIST);
        write_tokens(&path, &key(LIST), LIST, &mut suppressed()).expect("a list");
        fs::copy(made.path("asked"), made.path(MEMBERS)).expect("a member file");
        made
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The files of a set, by name.
    pub(crate) fn files(&self, kind: UploadKind) -> &BTreeMap<String, Vec<u8>> {
        &self.files[side(kind)]
    }

    /// Puts files of a set in place while `work` runs.
    pub(crate) fn replaced<T>(
        &self,
        kind: UploadKind,
        files: &[(&str, &[u8])],
        work: impl FnOnce(&World) -> T,
    ) -> T {
        let path = |name: &str| self.path(kind.as_str()).join(name);
        files
            .iter()
            .for_each(|(name, bytes)| fs::write(path(name), bytes).expect("written"));
        let result = work(self);
        let good = |name: &str| &self.files(kind)[name];
        files
            .iter()
            .for_each(|(name, _)| fs::write(path(name), good(name)).expect("written"));
        result
    }

    /// Asks the sets everything there is to ask.
    fn ask(&self) -> Result<Answer, Box<dyn std::error::Error>> {
        let open = |kind: UploadKind| {
            SealedSet::open(
                &self.path(kind.as_str()),
                &key(kind.as_str()),
                kind.as_str(),
            )
        };
        let (advertiser, partner) = (open(Crm)?, open(Graph)?);
        let question =
            |text: &str, destination: &str| -> Result<Question, Box<dyn std::error::Error>> {
                Ok(Question {
                    expression: Expression::parse(text)?,
                    destination: Some(destination.to_owned()),
                })
            };
        let plan = MatchPlan {
            advertiser: &advertiser,
            partner: &partner,
            suppressed: &suppressed(),
            as_of: AS_OF,
            questions: vec![question("all", "dmp-b")?, question("s = v1", "dsp-a")?],
            progress: &|_| {},
        };
        let found = LocalEngine::new(1).evaluate(&plan, &AtomicBool::new(false))?;
        let reached = found
            .iter()
            .map(|set| {
                (0..2 * ROWS as u32)
                    .map(|person| set.contains(person))
                    .collect()
            })
            .collect();
        let path = self.path("asked");
        let _ = fs::remove_file(&path);
        members::write(
            &partner,
            &found[0],
            "dmp-b",
            AS_OF,
            &path,
            &key(MEMBERS),
            MEMBERS,
        )?;
        let told = told(&path)?;
        Ok(Answer { reached, told })
    }

    /// Whether the sets still answer; panics if it is another answer.
    fn answers(&self) -> bool {
        let answer = self.ask();
        if let Ok(answer) = &answer {
            assert!(
                *answer == self.answer,
                "a changed file gives another answer"
            );
        }
        answer.is_ok()
    }

    /// Asks everything, whatever the answer.
    pub(crate) fn survives(&self) -> bool {
        for kind in [Crm, Graph] {
            let (path, name) = (self.path(kind.as_str()), kind.as_str());
            if let Ok(set) = SealedSet::open(&path, &key(name), name) {
                let _ = set.verify();
            }
        }
        self.ask().is_ok()
    }
}

fn content(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir)
        .expect("a set")
        .map(|entry| entry.expect("a file"));
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().expect("a name");
            (name, fs::read(entry.path()).expect("content"))
        })
        .collect()
}

fn suppressed() -> Vec<Token> {
    let mut tokens: Vec<Token> = (ROWS - 9..ROWS).map(|n| token(1, n)).collect();
    tokens.sort_unstable();
    tokens
}

fn told(path: &Path) -> Result<Vec<Vec<u8>>, SetError> {
    let file = MemberFile::open(path, &key(MEMBERS), MEMBERS)?;
    let changes = members::changes(None, &file).map(|change| {
        change.map(|change| match change {
            Change::Add(cookie) | Change::Remove(cookie) => cookie.bytes,
        })
    });
    changes.collect()
}

/// Which file of a set, then its content.
fn set_files(kind: UploadKind) -> Vec<Vec<u8>> {
    with_world(|world| {
        let files = world.files(kind).values().enumerate();
        files
            .map(|(at, bytes)| [&[at as u8], &bytes[..]].concat())
            .collect()
    })
}

/// One file of a set is replaced: the sets answer as before or not at all, and verifying notices.
fn set(kind: UploadKind, data: &[u8]) -> bool {
    let Some((at, content)) = data.split_first() else {
        return false;
    };
    with_world(|world| {
        let files = world.files(kind);
        let (name, good) = files
            .iter()
            .nth(usize::from(*at) % files.len())
            .expect("a file");
        world.replaced(kind, &[(name, content)], |world| {
            let (path, id) = (world.path(kind.as_str()), kind.as_str());
            let verified = SealedSet::open(&path, &key(id), id).and_then(|set| set.verify());
            assert_eq!(verified.is_ok(), content == good, "{name} was changed");
            world.answers()
        })
    })
}

pub(crate) fn crm_files() -> Vec<Vec<u8>> {
    set_files(Crm)
}

pub(crate) fn graph_files() -> Vec<Vec<u8>> {
    set_files(Graph)
}

pub(crate) fn crm(data: &[u8]) -> bool {
    set(Crm, data)
}

pub(crate) fn graph(data: &[u8]) -> bool {
    set(Graph, data)
}

pub(crate) fn lists() -> Vec<Vec<u8>> {
    with_world(|world| vec![fs::read(world.path(LIST)).expect("a list")])
}

/// A list is the one that was written, or does not open.
pub(crate) fn list(data: &[u8]) -> bool {
    with_world(|world| {
        let path = world.path("changed");
        fs::write(&path, data).expect("written");
        let read = read_tokens(&path, &key(LIST), LIST);
        if let Ok(tokens) = &read {
            assert!(*tokens == suppressed(), "a changed list gives other tokens");
        }
        read.is_ok()
    })
}

pub(crate) fn member_files() -> Vec<Vec<u8>> {
    with_world(|world| vec![fs::read(world.path(MEMBERS)).expect("a member file")])
}

/// A member file tells what was written, or nothing.
pub(crate) fn members(data: &[u8]) -> bool {
    with_world(|world| {
        let path = world.path("changed");
        fs::write(&path, data).expect("written");
        let told = told(&path);
        if let Ok(told) = &told {
            assert!(
                *told == world.answer.told,
                "a changed file tells other members"
            );
        }
        told.is_ok()
    })
}

/// Bytes of an upload.
fn sent() -> Vec<u8> {
    let random = Seeded::new(9);
    (0..400).flat_map(|_| random.next().to_le_bytes()).collect()
}

/// Spools that grew in pieces, were opened again, and were cut back.
pub(crate) fn spools() -> Vec<Vec<u8>> {
    with_world(|world| {
        let path = world.path("seed");
        let _ = fs::remove_file(&path);
        let mut spool = Spool::create(&path, &key(SPOOL), SPOOL).expect("a spool");
        let mut seeds = Vec::new();
        for (turn, piece) in sent().chunks(700).enumerate() {
            spool
                .append(piece)
                .and_then(|()| spool.sync())
                .expect("a piece");
            seeds.push(fs::read(&path).expect("content"));
            if turn == 1 {
                spool = Spool::open(&path, &key(SPOOL), SPOOL).expect("a spool");
                spool
                    .append(&[0; 90])
                    .and_then(|()| spool.sync())
                    .expect("a piece");
                spool.truncate_to(1400).expect("cut back");
            }
        }
        let _ = fs::remove_file(&path);
        seeds
    })
}

/// What is read is a beginning of what was sent, before and after opening; then it goes on.
pub(crate) fn spool(data: &[u8]) -> bool {
    with_world(|world| {
        let path = world.path("changed");
        fs::write(&path, data).expect("written");
        let read = |path: &Path| -> Option<Vec<u8>> {
            let (mut bytes, reader) = (Vec::new(), Spool::reader(path, &key(SPOOL), SPOOL));
            reader.ok()?.read_to_end(&mut bytes).ok()?;
            Some(bytes)
        };
        if let Some(bytes) = read(&path) {
            assert!(
                sent().starts_with(&bytes),
                "other bytes are read than were sent"
            );
        }
        let Ok(mut spool) = Spool::open(&path, &key(SPOOL), SPOOL) else {
            return false;
        };
        // What is known to be durable is not looked at when it is opened, so it may still be damaged.
        let Some(before) = read(&path) else {
            return false;
        };
        assert!(
            sent().starts_with(&before),
            "other bytes are read than were sent"
        );
        assert_eq!(spool.len(), before.len() as u64);
        if spool.append(b"more").and_then(|()| spool.sync()).is_ok() {
            assert_eq!(
                read(&path).expect("what was appended"),
                [&before[..], b"more"].concat()
            );
        }
        true
    })
}
