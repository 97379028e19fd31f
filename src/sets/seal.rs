//! Sealing: from an upload's bytes to a sealed set, in two passes and bounded memory.
//!
//! Pass one ([`super::ingest`]) streams the upload, judges and commits to every row, writes what is
//! kept in row order and sorts the tokens through [`super::sort`]. Pass two reads the tokens in order:
//! an advertiser's go to the token run at once; a partner's rows that share a token are merged by
//! union-find, and the run is written when the persons are known. Then the header is written, all is
//! durable, and the directory gets its name. A crash before that leaves only `DIR.tmp`, which the next
//! attempt clears; a crash after it leaves a whole set, which the next attempt recognises.
//!
//! Memory: the budget of the job, one message of the upload, and for a graph 4 bytes per accepted row.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::civil::Date;
use tamis_keys::purpose::Data;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::consent::ConsentRule;
use tamis_protocols::identifier::IdentifierType;
use tamis_protocols::intersection::UnionFind;
use tamis_protocols::wire::api::UploadReport;
use tamis_protocols::wire::batch::{BatchReader, StreamDecoder, UploadKind, WireError, WireHeader};

use super::block::{BlockFile, BlockReader, BlockWriter, STREAM_BLOCK};
use super::directory::Staged;
use super::header::{SetDestination, SetHeader, context};
use super::ingest::{Files, Ingest};
use super::rows::{NOBODY, PERSONS, ROWS_PER_BLOCK};
use super::run::{INDEX, Record, RunWriter, TOKENS, write_index};
use super::sort::Sorted;
use super::{SealedSet, SetError};

/// The default budget of a sealing job, in bytes.
pub const DEFAULT_MEMORY: usize = 256 << 20;

/// What an upload must be to be sealed.
pub struct Expectation {
    /// Which side it comes from.
    pub kind: UploadKind,
    /// The collaboration it was made for.
    pub collaboration: String,
    /// The epoch of the terms.
    pub epoch: u32,
    /// Identifier types of the terms; an upload may use fewer.
    pub identifiers: Vec<IdentifierType>,
    /// Destinations of the terms and whether each has a key; an upload may serve fewer.
    pub destinations: Vec<(String, bool)>,
    /// What a row's consent must carry.
    pub rule: ConsentRule,
    /// The day on which consent is judged.
    pub as_of: Date,
}

/// One upload to be sealed.
pub struct SealJob<'a> {
    /// The upload's bytes.
    pub source: Box<dyn Read + Send + 'a>,
    /// Where the set shall be; built in `dir.tmp`.
    pub dir: &'a Path,
    /// The set's own data key.
    pub key: &'a Secret<Data>,
    /// The set's id, bound to every block.
    pub set_id: &'a str,
    /// What the upload must be.
    pub expect: Expectation,
    /// Budget in bytes; [`DEFAULT_MEMORY`] unless there is a reason.
    pub memory: usize,
    /// For salts and file nonces.
    pub entropy: &'a dyn Entropy,
    /// Told the number of rows read so far, after every batch.
    pub progress: &'a (dyn Fn(u64) + Sync),
    /// Set it to end the job soon.
    pub cancel: &'a AtomicBool,
}

/// Why there is no sealed set. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The content is not acceptable; in words for the upload's owner.
    #[error("{0}")]
    Refused(String),
    /// The job was told to end.
    #[error("cancelled")]
    Cancelled,
    /// The upload's bytes cannot be read; the content is not to blame.
    #[error("the upload cannot be read: {0}")]
    Source(io::Error),
    /// The set cannot be written.
    #[error(transparent)]
    Set(#[from] SetError),
}

impl From<WireError> for SealError {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Io(error) => SealError::Source(error),
            other => SealError::Refused(other.to_string()),
        }
    }
}

/// Seals an upload. If the same set is there already and opens, its report is returned and the source
/// is not read.
///
/// # Errors
/// [`SealError`]; `dir` is then as it was before.
pub fn seal(job: SealJob<'_>) -> Result<UploadReport, SealError> {
    if let Ok(set) = SealedSet::open(job.dir, job.key, job.set_id) {
        return Ok(set.report().clone());
    }
    let staged = Staged::directory(job.dir)?;
    let mut files = Files {
        directory: staged.path(),
        key: job.key,
        set_id: job.set_id,
        entropy: job.entropy,
        entries: Default::default(),
    };
    let cancelled = || match job.cancel.load(Ordering::Relaxed) {
        true => Err(SealError::Cancelled),
        false => Ok(()),
    };

    let mut decoder = StreamDecoder::new(job.source)?;
    let wire = decoder.header().clone();
    check(&wire, &job.expect)?;
    let mut ingest = Ingest::new(&mut files, &wire, job.memory)?;
    while let Some(batch) = decoder.next_batch()? {
        cancelled()?;
        let before = ingest.seen;
        let rows = BatchReader::new(&batch, &wire).map_err(|error| error.shifted(before))?;
        ingest.batch(&rows, &job.expect.rule, job.expect.as_of, job.entropy)?;
        (job.progress)(ingest.seen);
    }
    let mut ingested = ingest.finish(&mut files)?;

    let accepted = ingested.accepted;
    let persons = match wire.kind {
        UploadKind::Crm => {
            write_rows_run(&mut files, &mut ingested.tokens, &cancelled)?;
            None
        }
        UploadKind::Graph => Some(write_persons_run(
            &mut files,
            &mut ingested.tokens,
            ingested.seen as u32,
            &cancelled,
        )?),
    };
    // Removes the temporary files of the sorter.
    drop(ingested.tokens);

    let counted = wire.segments.iter().cloned().zip(ingested.segment_rows);
    let report = UploadReport {
        rows: ingested.seen,
        accepted: accepted.into(),
        dropped: (ingested.dropped.iter())
            .map(|(reason, rows)| (reason.as_str().to_owned(), *rows))
            .collect(),
        persons: persons.map(u64::from),
        segments: counted.collect(),
        consent_root: hex::encode(ingested.consent_root),
    };
    let header = SetHeader {
        version: SetHeader::VERSION,
        kind: wire.kind,
        collaboration: wire.collaboration,
        epoch: wire.epoch,
        identifiers: wire.identifiers,
        segments: wire.segments,
        destinations: (wire.labels.into_iter())
            .map(|(name, enc)| SetDestination { name, enc })
            .collect(),
        rows: ingested.seen as u32,
        persons: persons.unwrap_or(0),
        below: None,
        report: report.clone(),
        files: std::mem::take(&mut files.entries),
    };
    header.write(staged.path(), job.key, job.set_id, &files.nonce())?;
    cancelled()?;
    clear_unreadable(job.dir)?;
    staged.publish()?;
    Ok(report)
}

/// Whether the upload is what the terms ask for; the words are for its owner.
fn check(wire: &WireHeader, expect: &Expectation) -> Result<(), SealError> {
    let refused = |text: String| Err(SealError::Refused(text));
    if wire.kind != expect.kind {
        return refused(format!(
            "this is a {} upload; this side of the collaboration sends {} uploads",
            wire.kind.as_str(),
            expect.kind.as_str()
        ));
    }
    if wire.collaboration != expect.collaboration {
        return refused("the upload was made for another collaboration".to_owned());
    }
    if wire.epoch != expect.epoch {
        return refused(format!(
            "the tokens are of epoch {}; the collaboration is in epoch {}",
            wire.epoch, expect.epoch
        ));
    }
    for kind in &wire.identifiers {
        if !expect.identifiers.contains(kind) {
            let kind = kind.as_str();
            return refused(format!("the terms do not include `{kind}` identifiers"));
        }
    }
    for (name, enc) in &wire.labels {
        let Some((_, sealed)) = expect.destinations.iter().find(|(known, _)| known == name) else {
            return refused(format!("the terms do not include the destination `{name}`"));
        };
        match (enc, sealed) {
            (None, true) => {
                return refused(format!("cookies for `{name}` must be sealed to its key"));
            }
            (Some(_), false) => {
                return refused(format!("`{name}` has no key: its cookies must be open"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What stands at `dir` does not open with this key: the rest of an attempt whose key was never
/// stored. The upload is still there to make it anew.
fn clear_unreadable(dir: &Path) -> Result<(), SetError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SetError::io(dir)(error)),
        _ => Ok(()),
    }
}

/// Records gathered for a stretch of the run.
const STRETCH: usize = 1 << 14;

/// An advertiser's run: every token of every row.
fn write_rows_run(
    files: &mut Files<'_>,
    tokens: &mut Sorted,
    cancelled: &dyn Fn() -> Result<(), SealError>,
) -> Result<(), SealError> {
    let writer = run_writer(files, UploadKind::Crm)?;
    let (mut stretch, mut buffer) = (Vec::with_capacity(STRETCH), Vec::new());
    while let Some(bytes) = tokens.next()? {
        stretch.push(record(bytes));
        if stretch.len() == STRETCH {
            writer.put(&stretch, &mut buffer)?;
            stretch.clear();
            cancelled()?;
        }
    }
    writer.put(&stretch, &mut buffer)?;
    finish_run(files, writer)
}

/// A partner's run: (token, person, latest last valid day), each token once. Returns the persons.
fn write_persons_run(
    files: &mut Files<'_>,
    tokens: &mut Sorted,
    rows: u32,
    cancelled: &dyn Fn() -> Result<(), SealError>,
) -> Result<u32, SealError> {
    // The run with rows in the place of persons goes to a temporary file under a nonce of its own.
    let (path, nonce) = (files.directory.join("merging"), files.nonce());
    let context = context(files.set_id, "merging");
    let mut merging = BlockWriter::create(&path, files.key, &context, &nonce, STREAM_BLOCK)?;
    let mut union = UnionFind::new(rows);
    let mut group: Option<Record> = None;
    let mut partition = 0;
    while let Some(bytes) = tokens.next()? {
        let next = record(bytes);
        match &mut group {
            Some(group) if group.token() == next.token() => {
                union.union(group.owner(), next.owner());
                *group = group.owned(group.owner(), group.day().max(next.day()));
            }
            group => {
                if let Some(done) = group.replace(next) {
                    write_record(&mut merging, done)?;
                }
            }
        }
        if tokens.partitions_done() != partition {
            partition = tokens.partitions_done();
            cancelled()?;
        }
    }
    if let Some(done) = group {
        write_record(&mut merging, done)?;
    }
    merging.finish_temporary()?;

    let mut numbers = union.into_numbers();
    let merged = BlockFile::open(&path, files.key, &context)?;
    let mut merged = BlockReader::new(Arc::new(merged));
    let writer = run_writer(files, UploadKind::Graph)?;
    let (mut stretch, mut buffer) = (Vec::with_capacity(STRETCH), Vec::new());
    let mut words = [0; 24];
    while merged.read(&mut words)? {
        let [a, b, c] =
            [0, 8, 16].map(|at| words[at..].first_chunk().copied().map(u64::from_le_bytes));
        let merged = Record::from_words([a, b, c].map(Option::unwrap_or_default));
        stretch.push(merged.owned(numbers.number(merged.owner()), merged.day()));
        if stretch.len() == STRETCH {
            writer.put(&stretch, &mut buffer)?;
            stretch.clear();
        }
    }
    writer.put(&stretch, &mut buffer)?;
    fs::remove_file(&path).map_err(SetError::io(&path))?;

    let mut file = files.create(PERSONS, 4 * ROWS_PER_BLOCK)?;
    for row in 0..rows {
        let person = numbers.known(row).unwrap_or(NOBODY);
        file.write(&person.to_le_bytes())?;
    }
    files.done(PERSONS, file.finish()?);
    finish_run(files, writer)?;
    Ok(numbers.count())
}

fn write_record(file: &mut BlockWriter, record: Record) -> Result<(), SetError> {
    let mut words = [0; 24];
    for (bytes, word) in words.as_chunks_mut::<8>().0.iter_mut().zip(record.words()) {
        *bytes = word.to_le_bytes();
    }
    file.write(&words)
}

fn run_writer(files: &mut Files<'_>, kind: UploadKind) -> Result<RunWriter, SetError> {
    let nonce = files.begin(TOKENS);
    let (path, context) = (files.directory.join(TOKENS), context(files.set_id, TOKENS));
    RunWriter::create(&path, files.key, &context, &nonce, kind)
}

fn finish_run(files: &mut Files<'_>, writer: RunWriter) -> Result<(), SealError> {
    let (bytes, index) = writer.finish(true)?;
    files.done(TOKENS, bytes);
    let nonce = files.begin(INDEX);
    let (path, context) = (files.directory.join(INDEX), context(files.set_id, INDEX));
    let bytes = write_index(&path, files.key, &context, &nonce, &index)?;
    files.done(INDEX, bytes);
    Ok(())
}

fn record(bytes: &[u8]) -> Record {
    let mut token = [0; 16];
    token.copy_from_slice(&bytes[..16]);
    let row = u32::from_be_bytes([bytes[16], bytes[17], bytes[18], bytes[19]]);
    let [day, class] = [20, 22].map(|at| u16::from_le_bytes([bytes[at], bytes[at + 1]]));
    Record::new(token, row, day, class)
}
