//! Deltas on a set, and their compaction, under faults.

use std::error::Error;
use std::sync::atomic::AtomicBool;

use tamis::matching::{Engine, LocalEngine, MatchPlan, Question};
use tamis::sets::members::{self, Change};
use tamis::sets::{
    CompactJob, EraseJob, Layer, SealJob, SealedSet, compact, erase, owners_of, seal,
};
use tamis_protocols::intersection::Expression;
use tamis_protocols::wire::batch::{UploadKind, UploadMode, WireHeader};

use crate::rows::{AS_OF, Generated, Seeded, expectation, header, key};
use crate::scenario::{MEMORY, Outcome, ROWS, World, must, open, suppressed};

const COMPACTED: &str = "compacted";

/// The partner's layers up to one of a mode.
fn names(to: UploadMode) -> &'static [&'static str] {
    match to {
        UploadMode::Full => &["graph"],
        UploadMode::Add => &["graph", "add"],
        UploadMode::Remove => &["graph", "add", "remove"],
        UploadMode::Refresh => &["graph", "add", "remove", "refresh"],
    }
}

fn stacked(world: &World, to: UploadMode) -> Result<SealedSet, Box<dyn Error>> {
    let open = |name: &&str| Layer::open(&world.data("sets", name), &key(name), name);
    let layers = names(to).iter().map(open).collect::<Result<_, _>>()?;
    Ok(SealedSet::stacked(layers)?)
}

/// Rows come that partly meet those before; then some of either leave; then some of what is left is said anew.
fn delta(mode: UploadMode) -> Generated {
    let whole = header(UploadKind::Graph);
    let few = match mode {
        UploadMode::Remove => WireHeader {
            mode,
            labels: Default::default(),
            ..whole
        },
        mode => WireHeader { mode, ..whole },
    };
    let first = match mode {
        UploadMode::Remove => ROWS * 7 / 10,
        UploadMode::Refresh => ROWS * 8 / 10,
        _ => ROWS / 2,
    };
    Generated::of(few, first..first + ROWS / 10)
}

fn name(mode: UploadMode) -> &'static str {
    names(mode)[names(mode).len() - 1]
}

/// Seals a delta on what is there.
pub fn extend(world: &World, ack: &mut dyn FnMut(String), mode: UploadMode) -> Outcome {
    let below = match mode {
        UploadMode::Refresh => UploadMode::Remove,
        UploadMode::Remove => UploadMode::Add,
        _ => UploadMode::Full,
    };
    let parent = stacked(world, below)?;
    let name = name(mode);
    let mut expect = expectation(&header(UploadKind::Graph));
    expect.mode = mode;
    let report = seal(SealJob {
        source: Box::new(delta(mode)),
        dir: &world.data("sets", name),
        key: &key(name),
        set_id: name,
        ledger: None,
        expect,
        memory: MEMORY,
        entropy: &Seeded::new(11),
        threads: 1,
        parent: Some(&parent),
        progress: &|_| {},
        cancel: &AtomicBool::new(false),
    })?;
    ack(serde_json::to_string(&report)?);
    Ok(())
}

pub fn delta_holds(world: &World, acks: &[String], mode: UploadMode) -> Outcome {
    if acks.is_empty() && !world.data("sets", name(mode)).exists() {
        return Ok(());
    }
    let set = stacked(world, mode)?;
    set.verify()?;
    let report = serde_json::to_string(set.report())?;
    let known = acks.iter().all(|ack| *ack == report);
    must(known, "the delta is not the one that was acknowledged")?;
    match mode {
        UploadMode::Refresh => must(told_anew(world, &set)?, "the refresh did something else"),
        _ => Ok(()),
    }
}

/// What is delivered of everybody whom a set of the partner reaches.
fn delivered(world: &World, partner: &SealedSet) -> Result<String, Box<dyn Error>> {
    let plan = MatchPlan {
        advertiser: &open(world, UploadKind::Crm)?,
        partner,
        // Also before they are erased: so no answer depends on how far that is.
        suppressed: &suppressed(),
        as_of: AS_OF,
        questions: vec![Question {
            expression: Expression::all(),
            destination: Some("dmp-b".to_owned()),
        }],
        progress: &|_| {},
    };
    let found = LocalEngine::new(1).evaluate(&plan, &AtomicBool::new(false))?;
    // Not in the world: what is looked at leaves nothing there.
    let elsewhere = tempfile::tempdir()?;
    let (path, key) = (elsewhere.path().join("told"), key("told"));
    let file = members::write(partner, &found[0], "dmp-b", AS_OF, &path, &key, "told")?;
    let mut text = String::new();
    for change in members::changes(None, &file) {
        if let Change::Add(cookie) = change? {
            text.push_str(&String::from_utf8(cookie.bytes)?);
        }
    }
    Ok(text)
}

/// Whether everybody is reached who was before the refresh: it says of some what was said already.
fn told_anew(world: &World, set: &SealedSet) -> Result<bool, Box<dyn Error>> {
    let before = delivered(world, &stacked(world, UploadMode::Remove)?)?;
    Ok(!before.is_empty() && delivered(world, set)? == before)
}

/// Base and deltas become one layer.
pub fn compacting(world: &World, ack: &mut dyn FnMut(String)) -> Outcome {
    compact(CompactJob {
        set: &stacked(world, UploadMode::Refresh)?,
        dir: &world.data("sets", COMPACTED),
        key: &key(COMPACTED),
        entropy: &Seeded::new(13),
        progress: &|_| {},
        cancel: &AtomicBool::new(false),
    })?;
    ack(COMPACTED.to_owned());
    Ok(())
}

/// No answer changes, and what was compacted is still there.
pub fn compaction_holds(world: &World, acks: &[String]) -> Outcome {
    let stacked = stacked(world, UploadMode::Refresh)?;
    stacked.verify()?;
    let dir = world.data("sets", COMPACTED);
    if acks.is_empty() && !dir.exists() {
        return Ok(());
    }
    let compacted = SealedSet::compacted(&dir, &key(COMPACTED), stacked.id())?;
    compacted.verify()?;
    let told = delivered(world, &stacked)?;
    must(!told.is_empty(), "nobody is reached")?;
    let same = told == delivered(world, &compacted)?;
    must(same, "the compacted set answers otherwise")
}

/// People leave every layer of the set, and the one that it was compacted to.
pub fn forgetting(world: &World, ack: &mut dyn FnMut(String)) -> Outcome {
    let tokens = suppressed();
    let stacked = stacked(world, UploadMode::Refresh)?;
    let owners = owners_of(&stacked, &tokens)?;
    for keep_tokens in [true, false] {
        for name in names(UploadMode::Refresh) {
            let (dir, key) = (world.data("sets", name), key(name));
            let layer = Layer::open(&dir, &key, name)?;
            erase(EraseJob {
                layer: &layer,
                compacted: false,
                dir: &dir,
                key: &key,
                entropy: &Seeded::new(17),
                owners: &owners,
                tokens: &tokens,
                keep_tokens,
                cancel: &AtomicBool::new(false),
            })?;
        }
    }
    let (dir, key) = (world.data("sets", COMPACTED), key(COMPACTED));
    let layer = Layer::compacted(&dir, &key, stacked.id())?;
    let owners = owners_of(&SealedSet::compacted(&dir, &key, stacked.id())?, &tokens)?;
    erase(EraseJob {
        layer: &layer,
        compacted: true,
        dir: &dir,
        key: &key,
        entropy: &Seeded::new(19),
        owners: &owners,
        tokens: &tokens,
        keep_tokens: false,
        cancel: &AtomicBool::new(false),
    })?;
    ack("forgotten".to_owned());
    Ok(())
}

/// Every layer is whole; once it was acknowledged, nobody of them is in any.
pub fn they_are_forgotten(world: &World, acks: &[String]) -> Outcome {
    compaction_holds(world, &[COMPACTED.to_owned()])?;
    if acks.is_empty() {
        return Ok(());
    }
    let (stacked, tokens) = (stacked(world, UploadMode::Refresh)?, suppressed());
    let dir = world.data("sets", COMPACTED);
    let compacted = SealedSet::compacted(&dir, &key(COMPACTED), stacked.id())?;
    for set in [&stacked, &compacted] {
        let nobody = owners_of(set, &tokens)?.is_empty();
        must(nobody, "somebody who was erased is still there")?;
    }
    Ok(())
}
