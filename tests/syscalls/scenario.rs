//! What is done to stored bytes, phase by phase, and what must hold of it whatever happened.
//!
//! A phase acknowledges what it promises to keep, one line each. It takes up what an earlier attempt
//! left, as the service does. [`Phase::holds`] looks at everything under its final name: it must be
//! whole, and there if it was acknowledged.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use tamis::matching::{Engine, LocalEngine, MatchPlan, Question};
use tamis::sets::members::{self, MemberFile};
use tamis::sets::{SealJob, SealedSet, Spool, read_tokens, seal, write_tokens};
use tamis_protocols::intersection::{Expression, PersonSet};
use tamis_protocols::token::Token;
use tamis_protocols::wire::batch::{UploadKind, UploadMode};

use crate::records::{self, Place};
use crate::rows::{AS_OF, Seeded, expectation, header, key, token, upload};
use crate::{layers, witness};

/// Rows of an upload: as few as make every kind of file, spilled ones too.
pub const ROWS: u64 = 900;
/// The smallest budget: sorting spills.
pub const MEMORY: usize = 0;

/// The place where everything is stored.
pub struct World(pub PathBuf);

pub type Outcome = Result<(), Box<dyn Error>>;

/// One step of the life of stored bytes.
pub struct Phase {
    pub name: &'static str,
    /// Does it; hands over what is acknowledged.
    pub run: fn(&World, &mut dyn FnMut(String)) -> Outcome,
    /// Whether what is there is whole and what was acknowledged is there.
    pub holds: fn(&World, &[String]) -> Outcome,
}

/// In the order in which they happen.
pub const PHASES: [Phase; 15] = [
    Phase {
        name: "spool",
        run: |world, ack| spool(world, ack, 0),
        holds: spool_holds,
    },
    Phase {
        name: "resume",
        run: |world, ack| spool(world, ack, TAIL),
        holds: spool_holds,
    },
    Phase {
        name: "seal-crm",
        run: |world, ack| sealing(world, ack, UploadKind::Crm),
        holds: |world, acks| set_holds(world, acks, UploadKind::Crm),
    },
    Phase {
        name: "seal-graph",
        run: |world, ack| sealing(world, ack, UploadKind::Graph),
        holds: |world, acks| set_holds(world, acks, UploadKind::Graph),
    },
    Phase {
        name: "seal-again",
        run: |world, ack| sealing(world, ack, UploadKind::Graph),
        holds: |world, acks| set_holds(world, acks, UploadKind::Graph),
    },
    Phase {
        name: "match",
        run: matching,
        holds: answer_holds,
    },
    Phase {
        name: "members",
        run: member_file,
        holds: members_hold,
    },
    Phase {
        name: "withdraw",
        run: withdrawing,
        holds: withdrawal_holds,
    },
    Phase {
        name: "add",
        run: |world, ack| layers::extend(world, ack, UploadMode::Add),
        holds: |world, acks| layers::delta_holds(world, acks, UploadMode::Add),
    },
    Phase {
        name: "remove",
        run: |world, ack| layers::extend(world, ack, UploadMode::Remove),
        holds: |world, acks| layers::delta_holds(world, acks, UploadMode::Remove),
    },
    Phase {
        name: "refresh",
        run: |world, ack| layers::extend(world, ack, UploadMode::Refresh),
        holds: |world, acks| layers::delta_holds(world, acks, UploadMode::Refresh),
    },
    Phase {
        name: "compact",
        run: layers::compacting,
        holds: layers::compaction_holds,
    },
    Phase {
        name: "forget",
        run: layers::forgetting,
        holds: layers::they_are_forgotten,
    },
    Phase {
        name: "erase",
        run: records::erase,
        holds: records::erasure_holds,
    },
    Phase {
        name: "cosign",
        run: witness::cosigning,
        holds: witness::cosigned_holds,
    },
];

impl World {
    pub fn data(&self, kind: &str, name: &str) -> PathBuf {
        self.0.join(kind).join(name)
    }

    /// The directories, and complete uploads that wait for sealing.
    pub fn create(path: &Path) -> Result<World, Box<dyn Error>> {
        let world = World(path.to_owned());
        for kind in ["uploads", "sets", "consent", "members", "withdrawals"] {
            std::fs::create_dir_all(path.join(kind))?;
        }
        for kind in [UploadKind::Crm, UploadKind::Graph] {
            let name = kind.as_str();
            let mut spool = Spool::create(&world.data("uploads", name), &key(name), name)?;
            spool.append(sent(kind))?;
            spool.sync()?;
        }
        witness::create(&world)?;
        Ok(world)
    }
}

/// Four rows in ten are on both sides.
fn rows(kind: UploadKind) -> std::ops::Range<u64> {
    let first = match kind {
        UploadKind::Crm => 0,
        UploadKind::Graph => ROWS * 6 / 10,
    };
    first..first + ROWS
}

/// How much more the second phase appends.
const TAIL: usize = 300 << 10;
const GROWN: usize = 5 << 18;
/// A piece that is taken back.
const WRONG: usize = 4000;

/// The bytes of the upload that grows.
fn content() -> &'static [u8] {
    static CONTENT: OnceLock<Vec<u8>> = OnceLock::new();
    CONTENT.get_or_init(|| {
        let random = Seeded::new(1);
        let words = (0..(GROWN + TAIL) / 8).flat_map(|_| random.next().to_le_bytes());
        words.collect()
    })
}

/// The bytes of the upload of one side.
fn sent(kind: UploadKind) -> &'static [u8] {
    static SENT: [OnceLock<Vec<u8>>; 2] = [OnceLock::new(), OnceLock::new()];
    SENT[usize::from(kind == UploadKind::Graph)].get_or_init(|| upload(kind, rows(kind)))
}

/// Receives an upload in pieces, each acknowledged when it is on the disk.
fn spool(world: &World, ack: &mut dyn FnMut(String), more: usize) -> Outcome {
    let (path, content) = (world.data("uploads", "grow"), content());
    let mut spool = match path.try_exists()? {
        false => Spool::create(&path, &key("grow"), "grow")?,
        true => Spool::open(&path, &key("grow"), "grow")?,
    };
    if more > 0 && spool.len() as usize == GROWN {
        // A piece whose checksum turns out wrong is taken back.
        spool.append(&content[..WRONG])?;
        spool.sync()?;
        spool.truncate_to(GROWN as u64)?;
    } else if more > 0 && spool.len() as usize == GROWN + WRONG {
        // It still has to be: the service keeps its beginning in the database.
        spool.truncate_to(GROWN as u64)?;
    }
    while (spool.len() as usize) < GROWN + more {
        let at = spool.len() as usize;
        for piece in content[at..(at + 500_000).min(GROWN + more)].chunks(250_000) {
            spool.append(piece)?;
        }
        spool.sync()?;
        ack(spool.len().to_string());
    }
    Ok(())
}

fn spool_holds(world: &World, acks: &[String]) -> Outcome {
    let acknowledged = acks.last().map_or(Ok(0), |ack| ack.parse::<u64>())?;
    let path = world.data("uploads", "grow");
    if acknowledged == 0 && !path.exists() {
        return Ok(());
    }
    // As after a restart: what a kill left torn is cut off.
    let held = Spool::open(&path, &key("grow"), "grow")?.len();
    let mut bytes = Vec::new();
    let mut reader = Spool::reader(&path, &key("grow"), "grow")?;
    std::io::Read::read_to_end(&mut reader, &mut bytes)?;
    must(held >= acknowledged, "acknowledged bytes are gone")?;
    must(bytes.len() as u64 == held, "the spool contradicts itself")?;
    // In the middle of the second phase there may be a piece that is taken back.
    let whole = bytes.len().min(GROWN);
    must(bytes[..whole] == content()[..whole], "bytes have changed")?;
    let rest = &bytes[whole..];
    let right = content()[GROWN..].starts_with(rest) || content().starts_with(rest);
    must(right, "bytes have changed")
}

fn sealing(world: &World, ack: &mut dyn FnMut(String), kind: UploadKind) -> Outcome {
    let name = kind.as_str();
    let source = Spool::reader(&world.data("uploads", name), &key(name), name)?;
    let report = seal(SealJob {
        source: Box::new(source),
        dir: &world.data("sets", name),
        key: &key(name),
        set_id: name,
        ledger: Some(Place::of(world, kind).ledger()),
        expect: expectation(&header(kind)),
        memory: MEMORY,
        entropy: &Seeded::new(7),
        threads: 1,
        parent: None,
        progress: &|_| {},
        cancel: &AtomicBool::new(false),
    })?;
    ack(serde_json::to_string(&report)?);
    Ok(())
}

pub fn open(world: &World, kind: UploadKind) -> Result<SealedSet, Box<dyn Error>> {
    let name = kind.as_str();
    Ok(SealedSet::open(
        &world.data("sets", name),
        &key(name),
        name,
    )?)
}

fn set_holds(world: &World, acks: &[String], kind: UploadKind) -> Outcome {
    // The spool stays until somebody has heard of the set.
    let name = kind.as_str();
    let mut bytes = Vec::new();
    let mut reader = Spool::reader(&world.data("uploads", name), &key(name), name)?;
    std::io::Read::read_to_end(&mut reader, &mut bytes)?;
    must(bytes == sent(kind), "the upload has changed")?;
    if acks.is_empty() && !world.data("sets", name).exists() {
        return Ok(());
    }
    let set = open(world, kind)?;
    set.verify()?;
    records::hold(world, kind, &set.report().consent_root)?;
    let report = serde_json::to_string(set.report())?;
    must(
        acks.iter().all(|ack| *ack == report),
        "the set is not the one that was acknowledged",
    )
}

/// Everybody who is reached by two questions, as text.
fn answers(world: &World) -> Result<(SealedSet, Vec<PersonSet>, String), Box<dyn Error>> {
    let (advertiser, partner) = (
        open(world, UploadKind::Crm)?,
        open(world, UploadKind::Graph)?,
    );
    let question = |text: &str, destination: &str| -> Result<Question, Box<dyn Error>> {
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
    let persons = partner.report().persons.unwrap_or_default() as u32;
    let digit = |set: &PersonSet, person| char::from(b'0' + u8::from(set.contains(person)));
    let texts = found
        .iter()
        .map(|set| (0..persons).map(|person| digit(set, person)).collect());
    let text = texts.collect::<Vec<String>>().join("/");
    Ok((partner, found, text))
}

/// Who withdrew, and is erased at the end: of the base alone, and of what is added to it.
pub fn suppressed() -> Vec<Token> {
    let some = (ROWS - 9..ROWS).chain(ROWS / 2..ROWS / 2 + 3);
    let mut tokens: Vec<Token> = some.map(|n| token(1, n)).collect();
    tokens.sort_unstable();
    tokens
}

fn matching(world: &World, ack: &mut dyn FnMut(String)) -> Outcome {
    ack(answers(world)?.2);
    Ok(())
}

/// An answer under faults is the answer without, or none.
fn answer_holds(world: &World, acks: &[String]) -> Outcome {
    let right = answers(world)?.2;
    must(
        right.contains('1') && right.contains('0'),
        "nobody is asked for",
    )?;
    must(
        acks.iter().all(|ack| *ack == right),
        "a wrong answer was given",
    )
}

const MEMBERS: &str = "audience";

fn member_file(world: &World, ack: &mut dyn FnMut(String)) -> Outcome {
    let (partner, found, _) = answers(world)?;
    let (path, key) = (world.data("members", MEMBERS), key(MEMBERS));
    members::write(&partner, &found[0], "dmp-b", AS_OF, &path, &key, MEMBERS)?;
    ack(told(world)?);
    Ok(())
}

/// How a member file is told to its destination.
fn told(world: &World) -> Result<String, Box<dyn Error>> {
    let path = world.data("members", MEMBERS);
    let file = MemberFile::open(&path, &key(MEMBERS), MEMBERS)?;
    let mut text = String::new();
    for change in members::changes(None, &file) {
        if let members::Change::Add(cookie) = change? {
            text.push_str(&String::from_utf8(cookie.bytes)?);
        }
    }
    Ok(text)
}

fn members_hold(world: &World, acks: &[String]) -> Outcome {
    if acks.is_empty() && !world.data("members", MEMBERS).exists() {
        return Ok(());
    }
    let told = told(world)?;
    must(!told.is_empty(), "nobody is a member")?;
    must(
        acks.iter().all(|ack| *ack == told),
        "other members were told",
    )
}

fn withdrawing(world: &World, ack: &mut dyn FnMut(String)) -> Outcome {
    let path = world.data("withdrawals", "people");
    write_tokens(&path, &key("people"), "people", &mut suppressed())?;
    ack(read_tokens(&path, &key("people"), "people")?
        .len()
        .to_string());
    Ok(())
}

fn withdrawal_holds(world: &World, acks: &[String]) -> Outcome {
    let path = world.data("withdrawals", "people");
    if acks.is_empty() && !path.exists() {
        return Ok(());
    }
    let tokens = read_tokens(&path, &key("people"), "people")?;
    must(tokens == suppressed(), "the list has changed")
}

pub fn must(holds: bool, what: &str) -> Outcome {
    match holds {
        true => Ok(()),
        false => Err(what.into()),
    }
}
