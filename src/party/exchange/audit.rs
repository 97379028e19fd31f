//! An auditor's pack, and a party's answer to a sample.
//!
//! ```text
//! log ─┐
//! documents, page by page ─┼─▶ a directory ─▶ replayed here ─▶ summary, manifest ─▶ one file
//! samples and answers ─┘
//! ```
//! What the service gives is proven before it is packed: a pack that does not hold is not written. The auditor
//! learns what the documents say (signed terms, public keys, policies, numbers of records) and the records that
//! were drawn. A party shows of its own records those that were drawn, and signs for them.

use std::collections::BTreeSet;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use tamis_keys::signing::SigningKey;
use tamis_protocols::audit::{
    Document, Kept, Manifest, Report, Substantiation, Violation, audit, file, sign_substantiation,
    summarise,
};
use tamis_protocols::consent::{ProofError, RecordProof};
use tamis_protocols::transparency::{CHECKPOINT, TileStore as _, open_checkpoint};
use tamis_protocols::wire::api::{
    DocumentsView, Listing, RecordProofView, SampleView, SubstantiationRequest,
};
use tamis_protocols::wire::tightening::Tightening;
use tamis_verify::Directory;

use super::error::ExchangeError;
use super::records::head;
use super::session::Session;
use super::{log, paths};

/// Proofs of one document.
const TOGETHER: usize = 200;

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The service could not be asked.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// What it gave does not hold.
    #[error("the evidence does not hold: {0}")]
    Violation(#[from] Violation),
    /// A file cannot be written.
    #[error("the pack cannot be written: {0}")]
    Io(#[from] std::io::Error),
}

/// What goes into a pack beside what the service gives.
pub struct Packing<'a> {
    /// Checkpoints that the auditor kept.
    pub kept: Vec<Vec<u8>>,
    /// Whether samples that are not substantiated yet are left out.
    pub without_open: bool,
    /// An empty directory.
    pub scratch: &'a Path,
}

/// Fetches, proves and writes a pack to `out`.
pub async fn pack(
    session: &Session,
    packing: Packing<'_>,
    out: &Path,
) -> Result<Report, PackError> {
    let vkey = session.membership.log_key.trim();
    let mut directory = Directory::new(packing.scratch);
    let fetched = log::fetch(&session.client, packing.scratch, vkey).await?;
    let documents = documents(session, fetched.leaves).await?;
    directory.write(file::DOCUMENTS, documents.as_bytes())?;
    let samples = samples(session, fetched.leaves, packing.without_open).await?;
    directory.write(file::SAMPLES, samples.as_bytes())?;
    let earlier = earlier(packing.kept, vkey)?;
    directory.write(file::EARLIER, earlier.as_bytes())?;
    let summary = summarise(&directory, vkey)?.summary;
    directory.write(file::SUMMARY, summary.as_bytes())?;
    let checkpoint = directory.read(CHECKPOINT)?.unwrap_or_default();
    let head = open_checkpoint(&checkpoint, vkey).ok_or(Violation::NoCheckpoint)?;
    let manifest = Manifest::of(&directory, &head)?;
    directory.write(file::MANIFEST, &manifest.to_bytes())?;
    let report = audit(&directory, vkey, &[])?;
    tamis_verify::pack(packing.scratch, out)?;
    Ok(report)
}

/// The documents of the first `size` leaves, as lines; a policy only where it is named first.
async fn documents(session: &Session, size: u64) -> Result<String, ExchangeError> {
    let misunderstood = || ExchangeError::Misunderstood("a document that is none");
    let (mut lines, mut policies) = (String::new(), BTreeSet::new());
    let mut from = Some(0);
    while let Some(page) = from.filter(|from| *from < size) {
        let path = paths::audit_documents(page);
        let view: DocumentsView = session.client.get(&path).await?;
        for one in view.documents.iter().filter(|one| one.leaf < size) {
            let document: Document =
                serde_json::from_str(&one.line).map_err(|_| misunderstood())?;
            let new = match &document {
                Document::Policy { policy, .. } => policies.insert(policy.digest()),
                Document::Tightening { document, .. } => {
                    let read: Tightening =
                        serde_json::from_str(document).map_err(|_| misunderstood())?;
                    policies.insert(read.policy.digest());
                    true
                }
                _ => true,
            };
            if new {
                lines.push_str(&one.line);
                lines.push('\n');
            }
        }
        from = view.next.filter(|next| *next > page);
    }
    Ok(lines)
}

/// The auditor's samples of a log of at most `size` leaves with their answers, as lines, the oldest first.
async fn samples(
    session: &Session,
    size: u64,
    without_open: bool,
) -> Result<String, ExchangeError> {
    let all: Listing<SampleView> = session.client.get(paths::SAMPLES).await?;
    let mut lines = String::new();
    for sample in all.items.iter().rev().filter(|sample| sample.size <= size) {
        if without_open && sample.open > 0 {
            continue;
        }
        let whole: SampleView = session.client.get(&paths::sample(&sample.id)).await?;
        for line in whole.lines {
            lines.push_str(&line);
            lines.push('\n');
        }
    }
    Ok(lines)
}

/// Kept checkpoints as lines, the smallest first, each once.
fn earlier(kept: Vec<Vec<u8>>, vkey: &str) -> Result<String, Violation> {
    let mut sized = std::collections::BTreeMap::new();
    for note in kept {
        let opened = open_checkpoint(&note, vkey).ok_or(Violation::NoCheckpoint)?;
        let checkpoint = String::from_utf8(note).map_err(|_| Violation::NoCheckpoint)?;
        sized.insert(opened.size, Kept { checkpoint });
    }
    let lines = sized.values().map(serde_json::to_string);
    let lines: Result<Vec<_>, _> = lines.collect();
    let lines = lines.map_err(|_| Violation::NoCheckpoint)?;
    Ok(lines.iter().map(|line| format!("{line}\n")).collect())
}

/// Fetches proofs of everything in a sample that this party still has to substantiate, checks each down to
/// the log, signs for them and sends them; how many there were.
pub async fn substantiate(
    session: &Session,
    sample: &str,
    remark: Option<&str>,
    progress: &dyn Fn(u64),
) -> Result<u64, ExchangeError> {
    let open: SampleView = session.client.get(&paths::sample(sample)).await?;
    let key = SigningKey::from_secret(&session.home.signing());
    let mut done = 0;
    for records in open.records.chunks(TOGETHER) {
        let mut proofs = Vec::with_capacity(records.len());
        for record in records {
            let path = paths::record(&record.upload, record.row);
            let view: RecordProofView = session.client.get(&path).await?;
            proofs.push(checked(session, view)?);
            done += 1;
            progress(done);
        }
        let document = Substantiation {
            version: Substantiation::VERSION,
            sample: sample.to_owned(),
            party: session.membership.name.clone(),
            proofs,
            remark: remark.map(str::to_owned),
        };
        let document = serde_json::to_string(&document)
            .map_err(|_| ExchangeError::Misunderstood("records that cannot be written"))?;
        let signature = BASE64_STANDARD.encode(sign_substantiation(&key, document.as_bytes()));
        let request = SubstantiationRequest {
            document,
            signature,
        };
        let _: SampleView = session
            .client
            .post(&paths::sample(sample), &request)
            .await?;
    }
    Ok(done)
}

/// A proof that leads to the signed log. Nobody signs for what does not.
fn checked(session: &Session, view: RecordProofView) -> Result<RecordProof, ExchangeError> {
    let tampered = || ExchangeError::Tampered("a consent record");
    let logged = view.logged.ok_or_else(|| ExchangeError::Lacking {
        what: "an upload of the sample is not in the published log yet".to_owned(),
        next: "Run the command again in a moment.".to_owned(),
    })?;
    let (upload, head) = head(&logged, session.membership.log_key.trim())?;
    if upload != view.proof.upload {
        return Err(tampered());
    }
    match view.proof.check(&head) {
        Ok(_) | Err(ProofError::Erased) => Ok(view.proof),
        Err(_) => Err(tampered()),
    }
}
