//! Samples in a pack: drawn again, and every drawn record proven.
//!
//! Bound: one line of at most 4 MiB, and the records of one sample.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use jiff::tz::Offset;

use super::document::base64;
use super::earlier::Roots;
use super::evidence::file;
use super::leaves::{Leaves, Sealed};
use super::lines::Lines;
use super::report::Drawn;
use super::sampling::{self, MOST, NONCE_MAX};
use super::substantiation::{SampleLine, Substantiation, verify_substantiation};
use super::violation::{Problem, Violation};
use crate::consent::{ProofError, RecordProof};
use crate::transparency::open_checkpoint;

/// Every sample's checkpoint is one that the log had.
pub(super) fn checkpoints(
    open: Box<dyn BufRead + '_>,
    roots: &mut Roots<'_>,
) -> Result<(), Violation> {
    let mut lines = Lines::new(file::SAMPLES, open);
    while let Some(line) = lines.next::<SampleLine>()? {
        if let SampleLine::Sample { checkpoint, .. } = line {
            roots.add(checkpoint.as_bytes())?;
        }
    }
    Ok(())
}

/// Every drawn record is substantiated by its party, once, and included in its upload.
pub(super) fn check(
    open: Box<dyn BufRead + '_>,
    leaves: &Leaves<'_>,
    vkey: &str,
) -> Result<Vec<Drawn>, Violation> {
    let mut lines = Lines::new(file::SAMPLES, open);
    let (mut all, mut known) = (Vec::new(), BTreeSet::new());
    let mut current: Option<Sample<'_>> = None;
    while let Some(line) = lines.next::<SampleLine>()? {
        match line {
            SampleLine::Substantiation {
                document,
                signature,
            } => {
                let sample = current.as_mut();
                let sample = sample.ok_or_else(|| lines.here(Problem::OtherSample))?;
                sample
                    .substantiated(leaves, &document, &signature)
                    .map_err(|problem| sample.wrong(problem))?;
            }
            line => {
                all.extend(current.take().map(Sample::end).transpose()?);
                let new = Sample::draw(&line, leaves, vkey);
                let new = new.map_err(|problem| lines.here(problem))?;
                if !known.insert(new.report.sample.clone()) {
                    return Err(lines.here(Problem::NoSample));
                }
                current = Some(new);
            }
        }
    }
    all.extend(current.map(Sample::end).transpose()?);
    Ok(all)
}

/// A sample whose records are being proven.
struct Sample<'a> {
    report: Drawn,
    /// Uploads by id, and the drawn rows that nobody has substantiated yet.
    open: BTreeMap<String, (&'a Sealed, BTreeSet<u64>)>,
}

impl<'a> Sample<'a> {
    fn draw(line: &SampleLine, leaves: &'a Leaves<'_>, vkey: &str) -> Result<Self, Problem> {
        let SampleLine::Sample {
            id,
            auditor,
            checkpoint,
            nonce,
            n,
            collaboration,
        } = line
        else {
            return Err(Problem::OtherSample);
        };
        let head = open_checkpoint(checkpoint.as_bytes(), vkey).ok_or(Problem::NoSample)?;
        let mut enrolled = leaves.enrolled.iter();
        let known = enrolled.any(|party| party.name == *auditor && party.role == "auditor");
        if !known || nonce.len() > NONCE_MAX || *n > MOST {
            return Err(Problem::NoSample);
        }
        let uploads = leaves.uploads.iter().filter(|upload| {
            let wanted = collaboration.as_ref();
            upload.index < head.size && wanted.is_none_or(|id| *id == upload.collaboration)
        });
        let uploads: Vec<&Sealed> = uploads.collect();
        let rows: Vec<u64> = uploads.iter().map(|one| one.rows.unwrap_or(0)).collect();
        let total = rows
            .iter()
            .try_fold(0_u64, |sum, rows| sum.checked_add(*rows));
        let total = total.ok_or(Problem::Rows)?;
        let drawn = sampling::draw(&head.root, head.size, nonce.as_bytes(), total, *n);
        let mut open: BTreeMap<String, (&Sealed, BTreeSet<u64>)> = BTreeMap::new();
        for number in &drawn {
            let (at, row) = sampling::place(&rows, *number).ok_or(Problem::Rows)?;
            let upload = uploads[at];
            let entry = open.entry(upload.upload.clone());
            entry
                .or_insert_with(|| (upload, BTreeSet::new()))
                .1
                .insert(row);
        }
        Ok(Sample {
            report: Drawn {
                sample: id.clone(),
                size: head.size,
                drawn: drawn.len() as u64,
                ..Drawn::default()
            },
            open,
        })
    }

    fn substantiated(
        &mut self,
        leaves: &Leaves<'_>,
        document: &str,
        signature: &str,
    ) -> Result<(), Problem> {
        let read: Substantiation = serde_json::from_str(document).map_err(|_| Problem::Spelling)?;
        if read.version != Substantiation::VERSION || read.sample != self.report.sample {
            return Err(Problem::OtherSample);
        }
        let signature: [u8; 64] = base64(signature).ok_or(Problem::Signature)?;
        let party = leaves.parties.get(&read.party).ok_or(Problem::Signature)?;
        let holds = |key: &[u8; 32]| verify_substantiation(key, document.as_bytes(), &signature);
        if !party.signing_keys.iter().any(holds) {
            return Err(Problem::Signature);
        }
        for proof in &read.proofs {
            self.proven(leaves, &read.party, proof)?;
        }
        Ok(())
    }

    fn proven(
        &mut self,
        leaves: &Leaves<'_>,
        party: &str,
        proof: &RecordProof,
    ) -> Result<(), Problem> {
        let found = self.open.get_mut(&proof.upload).ok_or(Problem::NotDrawn)?;
        let (upload, rows) = (found.0, &mut found.1);
        let agreed = leaves.agreed.get(&upload.collaboration);
        let agreed = agreed.ok_or(Problem::NoDocument)?;
        let (_, terms) = agreed.terms.as_ref().ok_or(Problem::NoDocument)?;
        let (owner, rule) = match upload.crm {
            true => (&terms.advertiser, &terms.advertiser_consent),
            false => (&terms.partner, &terms.partner_consent),
        };
        if owner != party {
            return Err(Problem::NotItsOwn);
        }
        if !rows.remove(&proof.row) {
            return Err(Problem::NotDrawn);
        }
        match proof.check(&upload.head) {
            Ok(record) => match rule.evaluate(&record, Offset::UTC.to_datetime(upload.at).date()) {
                Ok(_) => self.report.permitted += 1,
                Err(reason) => {
                    let reason = reason.as_str().to_owned();
                    *self.report.left_out.entry(reason).or_default() += 1;
                }
            },
            Err(ProofError::Erased) => {
                let asked = (upload.collaboration.clone(), party.to_owned());
                if !leaves.erasing.contains(&asked) {
                    return Err(Problem::NotErased);
                }
                self.report.erased += 1;
            }
            Err(_) => return Err(Problem::NotIncluded),
        }
        Ok(())
    }

    fn end(self) -> Result<Drawn, Violation> {
        match self.open.values().all(|(_, rows)| rows.is_empty()) {
            true => Ok(self.report),
            false => Err(self.wrong(Problem::Unsubstantiated)),
        }
    }

    fn wrong(&self, problem: Problem) -> Violation {
        Violation::Sample {
            sample: self.report.sample.clone(),
            problem,
        }
    }
}
