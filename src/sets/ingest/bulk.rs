//! A layer from tokens alone: for measurements and for loading what was judged elsewhere.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};

use tamis_keys::purpose::Data;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::consent::RootBuilder;
use tamis_protocols::identifier::IdentifierType;
use tamis_protocols::wire::api::UploadReport;
use tamis_protocols::wire::batch::UploadKind;

use super::super::block::STREAM_BLOCK;
use super::super::classes::{CLASSES, encode_classes};
use super::super::directory::Staged;
use super::super::header::SetHeader;
use super::super::rows::{ROWS, ROWS_PER_BLOCK};
use super::super::run::Record;
use super::super::sort::{Intake, TokenSorter};
use super::{Files, MAX_ROWS, Progress, SealError, SetError, Team, write_persons, write_rows};

/// Fills an empty list with the next records, in any order; `false` once there are no more.
pub type Source<'a> = Box<dyn FnMut(&mut Vec<Record>) -> bool + Send + 'a>;

/// Tokens to be sealed.
pub struct TokenJob<'a> {
    /// Where the tokens come from; each source is read by a thread of its own. The owner of a record is
    /// its row, below `rows`; its class is a position in `classes`, 0 for a partner.
    pub sources: Vec<Source<'a>>,
    /// Which side it is.
    pub kind: UploadKind,
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

/// Makes a layer without salts and cookies. Memory: the budget, and 2 bytes per row.
///
/// # Errors
/// [`SealError`]; nothing is left behind.
pub fn seal_tokens(job: TokenJob<'_>) -> Result<(), SealError> {
    if u64::from(job.rows) > MAX_ROWS || job.classes.len() >= usize::from(u16::MAX) {
        return Err(refused("there are too many rows or classes"));
    }
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
    let sorter = TokenSorter::new(files.scratch(), job.memory, threads);
    let days: Vec<AtomicU16> = (0..job.rows).map(|_| AtomicU16::new(0)).collect();
    let classes = match job.kind {
        UploadKind::Crm => job.classes.len(),
        UploadKind::Graph => 1,
    };
    team.run(job.sources.into_iter().map(|source| {
        let (intake, days, team) = (sorter.intake(), &days, &team);
        move || fill(source, intake, days, classes, team)
    }))?;
    let tokens = sorter.finish();
    let accepted = write_days(&mut files, &days)?;
    drop(days);
    let persons = match job.kind {
        UploadKind::Crm => {
            let classes = job.classes.iter().map(Vec::as_slice);
            files.write(CLASSES, STREAM_BLOCK, &encode_classes(classes))?;
            write_rows(&mut files, &tokens, &team)?;
            None
        }
        UploadKind::Graph => {
            Some(write_persons(&mut files, &tokens, job.rows, None, job.memory, &team)?.new)
        }
    };
    let report = UploadReport {
        rows: job.rows.into(),
        accepted,
        dropped: BTreeMap::new(),
        persons: persons.map(u64::from),
        segments: BTreeMap::new(),
        consent_root: hex::encode(RootBuilder::new().finish()),
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
        below: None,
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
    days: &[AtomicU16],
    classes: usize,
    team: &Team<'_>,
) -> Result<(), SealError> {
    let (mut records, mut more) = (Vec::new(), true);
    while more {
        team.check()?;
        records.clear();
        more = source(&mut records);
        for record in &records {
            let day = days.get(record.owner() as usize);
            match day.filter(|_| usize::from(record.class()) < classes) {
                Some(day) => day.fetch_max(record.day(), Ordering::Relaxed),
                None => return Err(refused("a token has a row or class that there is not")),
            };
            intake.push(*record)?;
        }
    }
    intake.finish();
    Ok(())
}

/// Writes the last valid day of every row; returns how many have one.
fn write_days(files: &mut Files<'_>, days: &[AtomicU16]) -> Result<u64, SetError> {
    let mut file = files.create(ROWS, 2 * ROWS_PER_BLOCK)?;
    let (mut accepted, mut bytes) = (0, Vec::new());
    for days in days.chunks(ROWS_PER_BLOCK) {
        bytes.clear();
        for day in days {
            let day = day.load(Ordering::Relaxed);
            accepted += u64::from(day > 0);
            bytes.extend_from_slice(&day.to_le_bytes());
        }
        file.write(&bytes)?;
    }
    files.close(ROWS, file)?;
    Ok(accepted)
}

fn refused(text: &str) -> SealError {
    SealError::Refused(text.to_owned())
}
