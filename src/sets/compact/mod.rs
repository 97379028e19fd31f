//! Compaction: a set of several layers written as one layer again, with the same answers.
//!
//! Flow: the runs of all layers are sorted, so one merge makes one run of them ([`merge`]): who is gone
//! is left out, persons that became one get one number, persons are numbered anew in the order of their
//! tokens ([`owners`]), and classes of rows are joined by the labels of their segments ([`classes`]).
//! Beside it rows keep their number through all layers, and are copied one layer after the other with
//! their days and cookies ([`rows`]). Salts stay with their uploads. As in sealing, a crash leaves
//! `DIR.tmp` or a whole layer, never a half of one.
//!
//! Memory: 4 bytes per person of the set (of an advertiser: 4 bytes per row, and only if its layers have
//! more than 65,535 combinations of segments together); a bitmap of who is gone, and of their rows;
//! 64 MiB of pages; a block per file. What each party learns: nothing.

mod classes;
mod merge;
mod owners;
mod rows;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use tamis_keys::purpose::Data;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::wire::batch::UploadKind;

use super::directory::Staged;
use super::header::{SetDestination, SetHeader};
use super::ingest::{Files, Progress, Team};
use super::layer::compacted_id;
use super::seal::clear_unreadable;
use super::{Layer, Record, SealError, SealedSet};
use classes::Classes;
use merge::RunMerge;
use owners::Owners;
use rows::RowCopy;

/// A set to be written as one layer.
pub struct CompactJob<'a> {
    /// The set.
    pub set: &'a SealedSet,
    /// Where the layer shall be, beside those of the set; built in `dir.tmp`.
    pub dir: &'a Path,
    /// The key of the new layer: it then opens what the keys of all layers opened.
    pub key: &'a Secret<Data>,
    /// For file nonces.
    pub entropy: &'a dyn Entropy,
    /// Told what share of the work is done, from 0 to 1, by any thread.
    pub progress: &'a (dyn Fn(f64) + Sync),
    /// Set it to end the job soon.
    pub cancel: &'a AtomicBool,
}

/// Writes the set as one layer, which [`SealedSet::compacted`] opens under the set's id. If such a layer is
/// there already and opens, nothing is done. Three threads.
///
/// # Errors
/// [`SealError`]; `dir` is then as it was before. Refused are only sets with more than 2³¹−2 persons or
/// 65,536 segment labels.
pub fn compact(job: CompactJob<'_>) -> Result<(), SealError> {
    let (set, id) = (job.set, compacted_id(job.set.id()));
    if Layer::compacted(job.dir, job.key, set.id()).is_ok() {
        return Ok(());
    }
    let staged = Staged::directory(job.dir)?;
    let mut files = Files {
        directory: staged.path(),
        key: job.key,
        set_id: &id,
        entropy: job.entropy,
        durable: true,
        entries: Default::default(),
    };
    let progress = |progress: Progress| (job.progress)(progress.finished);
    let team = Team::new(THREADS, job.cancel, &progress);
    team.expect(set.layers().iter().map(Layer::live_bytes).sum());
    let written = match set.kind() {
        UploadKind::Crm => rows_layer(set, &mut files, &team)?,
        UploadKind::Graph => persons_layer(set, &mut files, &team)?,
    };
    let layers = set.layers().iter();
    let identifiers: BTreeSet<_> = layers.flat_map(|layer| &layer.header.identifiers).collect();
    let header = SetHeader {
        version: SetHeader::VERSION,
        kind: set.kind(),
        collaboration: set.collaboration().to_owned(),
        epoch: set.epoch(),
        identifiers: identifiers.into_iter().copied().collect(),
        segments: written.segments,
        destinations: written.destinations,
        rows: set.rows(),
        persons: written.persons,
        below: None,
        report: set.report().clone(),
        files: std::mem::take(&mut files.entries),
    };
    header.write(staged.path(), job.key, &id, &files.nonce(), true)?;
    team.check()?;
    clear_unreadable(job.dir)?;
    staged.publish()?;
    (job.progress)(1.0);
    Ok(())
}

/// The merging of the run, the writing of it, and the rows beside it.
const THREADS: usize = 3;

/// What one thread does.
type Task<'t> = Box<dyn FnOnce() -> Result<(), SealError> + Send + 't>;

/// Does two things at once; returns what the second came to.
fn beside<T: Send>(
    team: &Team<'_>,
    run: impl FnOnce() -> Result<(), SealError> + Send,
    rows: impl FnOnce() -> Result<T, SealError> + Send,
) -> Result<T, SealError> {
    let mut found = None;
    let rows = || {
        found = Some(rows()?);
        Ok(())
    };
    let (run, rows): (Task<'_>, Task<'_>) = (Box::new(run), Box::new(rows));
    team.run([run, rows].into_iter())?;
    found.ok_or(SealError::Cancelled)
}

/// What the header says about the files.
#[derive(Default)]
struct Written {
    segments: Vec<String>,
    destinations: Vec<SetDestination>,
    persons: u32,
}

fn rows_layer(
    set: &SealedSet,
    files: &mut Files<'_>,
    team: &Team<'_>,
) -> Result<Written, SealError> {
    let gone = set.gone();
    let mut classes = Classes::of(set)?;
    let rows = RowCopy::create(set, files)?;
    let run = RunMerge::create(set, files)?;
    let first: Vec<u32> = set.layers().iter().map(Layer::first_row).collect();
    let rename = |layer: usize, record: Record| {
        let row = first[layer] + record.owner();
        let alive = !gone.contains(row);
        Ok(alive.then(|| record.of(row, classes.class(layer, row, record.class()))))
    };
    let rows = beside(team, || run.merge(team, rename), || rows.copy(gone, team))?;
    run.finish(files)?;
    rows.finish(files)?;
    Ok(Written {
        segments: classes.finish(set, files, team)?,
        ..Written::default()
    })
}

fn persons_layer(
    set: &SealedSet,
    files: &mut Files<'_>,
    team: &Team<'_>,
) -> Result<Written, SealError> {
    let mut owners = Owners::of(set)?;
    let dead = owners.dead();
    let rows = RowCopy::create(set, files)?;
    let run = RunMerge::create(set, files)?;
    let rename = |_: usize, record: Record| {
        let person = owners.number(record.owner())?;
        Ok(person.map(|person| record.of(person, 0)))
    };
    let rows = beside(team, || run.merge(team, rename), || rows.copy(&dead, team))?;
    run.finish(files)?;
    let destinations = rows.finish(files)?;
    owners.write(files, team)?;
    Ok(Written {
        destinations,
        persons: owners.count(),
        ..Written::default()
    })
}
