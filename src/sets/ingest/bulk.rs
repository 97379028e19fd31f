//! A layer from tokens alone: for measurements and for loading what was judged elsewhere.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tamis_keys::purpose::Data;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::consent::{RootBuilder, batch_head};
use tamis_protocols::identifier::IdentifierType;
use tamis_protocols::wire::api::UploadReport;
use tamis_protocols::wire::batch::{UploadKind, UploadMode};

use super::super::SealedSet;
use super::super::block::STREAM_BLOCK;
use super::super::classes::{CLASSES, encode_classes};
use super::super::delta::{Layering, extends};
use super::super::directory::Staged;
use super::super::header::SetHeader;
use super::super::rows::{ROWS, ROWS_PER_BLOCK};
use super::super::run::Record;
use super::super::sort::{Intake, TokenSorter};
use super::persons::parents;
use super::{Files, MAX_ROWS, Progress, SealError, Team};

/// Fills an empty list with the next records, in any order; `false` once there are no more.
pub type Source<'a> = Box<dyn FnMut(&mut Vec<Record>) -> bool + Send + 'a>;

/// Tokens to be sealed.
pub struct TokenJob<'a> {
    /// Where the tokens come from; each source is read by a thread of its own. The owner of a record is
    /// its row, below `rows`; its class is a position in `classes`, 0 for a partner.
    pub sources: Vec<Source<'a>>,
    /// Which side it is.
    pub kind: UploadKind,
    /// What the tokens do to the set of their side. One that only takes out has day 0: all of a removal, and
    /// of a refresh those of rows that are not let in.
    pub mode: UploadMode,
    /// The set that a delta extends.
    pub parent: Option<&'a SealedSet>,
    /// The collaboration, 32 lowercase hexadecimal digits.
    pub collaboration: &'a str,
    /// The epoch of the tokens.
    pub epoch: u32,
    /// Rows, at most 2³¹.
    pub rows: u32,
    /// Segment labels `name=value`.
    pub segments: Vec<String>,
    /// Combinations of segments, as ascending positions in `segments`; fewer than 65,535, each once.
    pub classes: Vec<Vec<u16>>,
    /// Where the set shall be; built in `dir.tmp`.
    pub dir: &'a Path,
    /// The set's own data key.
    pub key: &'a Secret<Data>,
    /// The set's id.
    pub id: &'a str,
    /// Budget in bytes.
    pub memory: usize,
    /// Threads that sort and write.
    pub threads: usize,
    /// For file nonces.
    pub entropy: &'a dyn Entropy,
    /// Whether the set is on the disk at the end, and not only on its way.
    pub durable: bool,
}

/// Makes a layer without consent records and cookies. Memory: the budget, and 2 bytes per row.
///
/// # Errors
/// [`SealError`]; nothing is left behind.
pub fn seal_tokens(job: TokenJob<'_>) -> Result<(), SealError> {
    if u64::from(job.rows) > MAX_ROWS || job.classes.len() >= usize::from(u16::MAX) {
        return Err(refused("there are too many rows or classes"));
    }
    extends(job.kind, job.mode, job.collaboration, job.epoch, job.parent)?;
    let staged = Staged::directory(job.dir)?;
    let mut files = Files {
        directory: staged.path(),
        key: job.key,
        set_id: job.id,
        entropy: job.entropy,
        durable: job.durable,
        entries: BTreeMap::new(),
    };
    let (cancel, quiet) = (AtomicBool::new(false), |_: Progress| {});
    let team = Team::new(job.threads, &cancel, &quiet);
    let threads = job.sources.len().max(team.threads());
    let mut sorter = TokenSorter::new(files.scratch(), job.memory, threads);
    if job.kind == UploadKind::Graph && job.mode.brings_rows() {
        sorter = sorter.beside(parents(job.rows));
    }
    let classes = match job.kind {
        UploadKind::Crm => job.classes.len(),
        UploadKind::Graph => 1,
    };
    let (tokens, accepted) = {
        let mut days = vec![0; job.rows as usize];
        let days = Days::new(&mut days, job.mode.takes_out());
        team.run(job.sources.into_iter().map(|source| {
            let (intake, days, team) = (sorter.intake(), &days, &team);
            move || fill(source, intake, days, classes, team)
        }))?;
        (sorter.finish(), days.write(&mut files, &team)?)
    };
    if job.kind == UploadKind::Crm {
        let classes = job.classes.iter().map(Vec::as_slice);
        files.write(CLASSES, STREAM_BLOCK, &encode_classes(classes))?;
    }
    let persons = Layering {
        kind: job.kind,
        mode: job.mode,
        rows: job.rows,
        parent: job.parent,
    }
    .write(&mut files, tokens, job.memory, &team)?;
    let report = UploadReport {
        rows: job.rows.into(),
        accepted,
        dropped: BTreeMap::new(),
        persons: persons.map(u64::from),
        segments: BTreeMap::new(),
        consent_root: hex::encode(batch_head(0, &RootBuilder::new().finish())),
    };
    let header = SetHeader {
        version: SetHeader::VERSION,
        kind: job.kind,
        collaboration: job.collaboration.to_owned(),
        epoch: job.epoch,
        identifiers: vec![IdentifierType::Email],
        segments: job.segments,
        destinations: Vec::new(),
        rows: job.rows,
        persons: persons.unwrap_or(0),
        below: job.parent.map(|parent| parent.top().as_below()),
        report,
        files: std::mem::take(&mut files.entries),
    };
    let nonce = files.nonce();
    header.write(staged.path(), job.key, job.id, &nonce, job.durable)?;
    Ok(staged.rename(job.durable)?)
}

/// Reads one source to its end.
fn fill(
    mut source: Source<'_>,
    mut intake: Intake<'_>,
    days: &Days<'_>,
    classes: usize,
    team: &Team<'_>,
) -> Result<(), SealError> {
    let (mut records, mut more) = (Vec::new(), true);
    while more {
        team.check()?;
        records.clear();
        more = source(&mut records);
        let mut days = days.cursor();
        for record in &records {
            if usize::from(record.class()) >= classes || !days.note(record.owner(), record.day()) {
                return Err(refused("a token has a row, day or class that there is not"));
            }
            intake.push(*record)?;
        }
    }
    intake.finish();
    Ok(())
}

/// The last valid day of every row, in blocks as they are written. They are of one piece of memory, which
/// the system has back when they are dropped.
struct Days<'a> {
    rows: u32,
    /// Whether a token may be without a day.
    none: bool,
    blocks: Vec<Mutex<&'a mut [u16]>>,
}

/// Notes days for one thread, which holds one block at a time.
struct Cursor<'d, 'a> {
    days: &'d Days<'a>,
    held: Option<(usize, MutexGuard<'d, &'a mut [u16]>)>,
}

impl<'a> Days<'a> {
    /// All rows without a day.
    fn new(days: &'a mut [u16], none: bool) -> Self {
        Days {
            rows: days.len() as u32,
            none,
            blocks: days.chunks_mut(ROWS_PER_BLOCK).map(Mutex::new).collect(),
        }
    }

    fn cursor(&self) -> Cursor<'_, 'a> {
        let held = None;
        Cursor { days: self, held }
    }

    fn block(&self, block: usize) -> Option<MutexGuard<'_, &'a mut [u16]>> {
        let block = self.blocks.get(block)?;
        Some(block.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes the file; returns how many rows have a day.
    fn write(&self, files: &mut Files<'_>, team: &Team<'_>) -> Result<u64, SealError> {
        let file = files.place(ROWS, 2 * ROWS_PER_BLOCK, 2 * u64::from(self.rows))?;
        let (accepted, next) = (AtomicU64::new(0), AtomicU64::new(0));
        team.share(|| {
            let mut bytes = Vec::new();
            loop {
                let block = next.fetch_add(1, Ordering::Relaxed);
                if block >= file.blocks() {
                    return Ok(());
                }
                bytes.clear();
                if let Some(days) = self.block(block as usize) {
                    let with = days.iter().filter(|day| **day > 0).count();
                    accepted.fetch_add(with as u64, Ordering::Relaxed);
                    bytes.extend(days.iter().flat_map(|day| day.to_le_bytes()));
                }
                file.put(block, &mut bytes)?;
            }
        })?;
        files.close_places(ROWS, file)?;
        Ok(accepted.into_inner())
    }
}

impl Cursor<'_, '_> {
    /// Notes a day of a row, of which the latest stays; `false` if there is no such row or day.
    #[inline]
    fn note(&mut self, row: u32, day: u16) -> bool {
        let (block, at) = (row as usize / ROWS_PER_BLOCK, row as usize % ROWS_PER_BLOCK);
        if self.held.as_ref().is_none_or(|(held, _)| *held != block) {
            self.held = None;
            self.held = self.days.block(block).map(|days| (block, days));
        }
        let held = self.held.as_mut();
        match held.and_then(|(_, days)| days.get_mut(at)) {
            Some(noted) if day > 0 || self.days.none => *noted = day.max(*noted),
            _ => return false,
        }
        true
    }
}

fn refused(text: &str) -> SealError {
    SealError::Refused(text.to_owned())
}
