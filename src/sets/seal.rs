//! Sealing: from an upload's bytes to a sealed set, in parallel and bounded memory.
//!
//! Flow: the upload is read once ([`super::ingest`]): every row is judged and committed to, what is kept is
//! written in row order, and the tokens are partitioned ([`super::sort`]). Then they are sorted part by
//! part: an advertiser's go to the token run at once; a partner's rows that share a token are merged by
//! union-find, and the run is written when the persons are known. Then the header is written, all is
//! durable, and the directory gets its name. A crash before that leaves only `DIR.tmp`, which the next
//! attempt clears; a crash after it leaves a whole set, which the next attempt recognises.
//!
//! A delta becomes a layer on top of the set it extends ([`super::delta`]).
//!
//! Memory: the budget of the job, and one message of the upload.

use std::convert::Infallible;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use jiff::civil::Date;
use tamis_keys::purpose::Data;
use tamis_keys::{Entropy, Secret};
use tamis_protocols::consent::{ConsentRule, Destinations, batch_head};
use tamis_protocols::identifier::IdentifierType;
use tamis_protocols::wire::api::UploadReport;
use tamis_protocols::wire::batch::{StreamDecoder, UploadKind, UploadMode, WireError, WireHeader};

use super::delta::{Layering, extends};
use super::directory::Staged;
use super::header::{SetDestination, SetHeader};
use super::ingest::{Evidence, Files, Progress, Rules, Team, read};
use super::ledger::{LedgerWriter, Written};
use super::{Layer, Ledger, LedgerPlace, SealedSet, SetError, restricted};

/// The default budget of a sealing job, in bytes.
pub const DEFAULT_MEMORY: usize = 512 << 20;

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
    /// What its rows do to the set of its side.
    pub mode: UploadMode,
    /// The other collaboration whose tokens its rows carry as well, as it was announced.
    pub bridge: Option<String>,
    /// Destinations of the terms and whether each has a key; an upload may serve fewer.
    pub destinations: Vec<(String, bool)>,
    /// The same, as consent records name them: the destinations of the terms, and no others.
    pub recipients: Destinations,
    /// What a row's consent must carry.
    pub rule: ConsentRule,
    /// The day on which consent is judged.
    pub as_of: Date,
    /// Most rows of the upload, where its side has a limit of its own.
    pub most_rows: Option<u64>,
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
    /// Where its consent records are kept; none: they are committed to and forgotten.
    pub ledger: Option<LedgerPlace<'a>>,
    /// The set that a delta extends: the newest sealed one of its side. None for a full upload.
    pub parent: Option<&'a SealedSet>,
    /// What the upload must be.
    pub expect: Expectation,
    /// Budget in bytes; [`DEFAULT_MEMORY`] unless there is a reason.
    pub memory: usize,
    /// For salts and file nonces.
    pub entropy: &'a dyn Entropy,
    /// Threads that judge, sort and write, at least one; 2 unless there is a reason.
    pub threads: usize,
    /// Told how far the job is, by any thread: after every batch of rows, and often later.
    pub progress: &'a (dyn Fn(Progress) + Sync),
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

impl From<Infallible> for SealError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<WireError> for SealError {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Io(error) => SealError::Source(error),
            other => SealError::Refused(other.to_string()),
        }
    }
}

/// Seals an upload. If its layer is there already, opens, and lies on the same set, its report is returned
/// and the source is not read.
///
/// # Errors
/// [`SealError`]; `dir` is then as it was before.
pub fn seal(job: SealJob<'_>) -> Result<UploadReport, SealError> {
    if let Ok(layer) = Layer::open(job.dir, job.key, job.set_id)
        && layer.lies_on(job.parent.map(SealedSet::top))
        && is_kept(&job, &layer)
    {
        return Ok(layer.header.report);
    }
    let staged = Staged::directory(job.dir)?;
    let mut files = Files {
        directory: staged.path(),
        key: job.key,
        set_id: job.set_id,
        entropy: job.entropy,
        durable: true,
        entries: Default::default(),
    };
    let team = Team::new(job.threads, job.cancel, job.progress);

    let decoder = StreamDecoder::new(job.source)?;
    let wire = decoder.header().clone();
    check(&wire, &job.expect)?;
    extends(
        wire.kind,
        wire.mode,
        &wire.collaboration,
        wire.epoch,
        job.parent,
    )?;
    let Expectation {
        rule,
        recipients: destinations,
        as_of,
        most_rows,
        ..
    } = job.expect;
    let rules = Rules {
        rule,
        destinations,
        as_of,
        most_rows,
    };
    let (memory, ledger) = match job.ledger {
        None => (job.memory, None),
        Some(place) => {
            let ledger = LedgerWriter::create(place, job.set_id, job.entropy, job.memory)?;
            (job.memory - job.memory / 8, Some(ledger))
        }
    };
    let ingested = read(&mut files, ledger, decoder, &rules, memory, &team)?;
    let new = Layering {
        kind: wire.kind,
        mode: wire.mode,
        rows: ingested.rows as u32,
        parent: job.parent,
    }
    .write(&mut files, ingested.tokens, memory, &team)?;
    let tally = ingested.tally;
    let (root, kept) = match ingested.evidence {
        Evidence::Root(root) => (root, None),
        Evidence::Ledger(ledger) => {
            let Written { staged, root } = ledger.finish(tally.records.finish(&tally.dropped))?;
            (root, Some(staged))
        }
    };
    let counted = wire.segments.iter().cloned().zip(tally.segments);
    let restricted = match (wire.kind, tally.restricted) {
        (UploadKind::Crm, 1..) => restricted::labels(&rules.destinations),
        _ => Vec::new(),
    };
    let report = UploadReport {
        rows: ingested.rows,
        accepted: tally.accepted,
        dropped: (tally.dropped.iter())
            .map(|(reason, rows)| (reason.as_str().to_owned(), *rows))
            .collect(),
        persons: new.map(u64::from),
        segments: counted.collect(),
        consent_root: hex::encode(batch_head(ingested.rows, &root)),
    };
    let header = SetHeader {
        version: SetHeader::VERSION,
        kind: wire.kind,
        collaboration: wire.collaboration,
        epoch: wire.epoch,
        identifiers: wire.identifiers,
        segments: wire.segments.iter().cloned().chain(restricted).collect(),
        destinations: (wire.labels.into_iter())
            .map(|(name, enc)| SetDestination::new(name, job.set_id, enc))
            .collect(),
        rows: ingested.rows as u32,
        persons: new.unwrap_or(0),
        below: job.parent.map(|parent| parent.top().as_below()),
        report: report.clone(),
        files: std::mem::take(&mut files.entries),
    };
    header.write(staged.path(), job.key, job.set_id, &files.nonce(), true)?;
    team.check()?;
    // In this order: where there is a set, there is its ledger.
    clear_unreadable(job.dir)?;
    if let (Some(kept), Some(place)) = (kept, job.ledger) {
        clear_unreadable(place.dir)?;
        kept.publish()?;
    }
    staged.publish()?;
    Ok(report)
}

/// Whether the consent records of a layer that is there already are kept as they are to be.
fn is_kept(job: &SealJob<'_>, layer: &Layer) -> bool {
    let Some(place) = job.ledger else {
        return true;
    };
    let ledger = Ledger::open(place.dir, place.key, job.set_id);
    ledger.is_ok_and(|ledger| hex::encode(ledger.consent_root()) == layer.report().consent_root)
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
    if wire.mode != expect.mode {
        return refused(format!(
            "the rows are to be taken as `{}`; the upload was announced as `{}`",
            wire.mode.as_str(),
            expect.mode.as_str()
        ));
    }
    if wire.bridge != expect.bridge {
        let said = |bridge: &Option<String>| match bridge {
            Some(other) => format!("tokens of {other} too"),
            None => "no other collaboration's tokens".to_owned(),
        };
        return refused(format!(
            "the rows carry {}; the upload was announced with {}",
            said(&wire.bridge),
            said(&expect.bridge)
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

/// What stands at `dir` does not open with this key, the rest of an attempt whose key was never stored, or
/// lies on another set than asked for. The upload is still there to make it anew.
pub(super) fn clear_unreadable(dir: &Path) -> Result<(), SetError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SetError::io(dir)(error)),
        _ => Ok(()),
    }
}
