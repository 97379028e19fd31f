//! Sealing an upload: validated, partitioned, sorted, encrypted; its consent root goes to the log.
//!
//! A delta is sealed on the newest set of its side: uploads of one side are sealed one at a time, in the
//! order in which they were completed, so that is the set of what was completed just before. It only
//! concerns its owner's own set: whom it found there says nothing of the other side, and nobody is told.

use tamis_protocols::consent::ConsentRule;
use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::UploadReport;
use tamis_protocols::wire::batch::UploadKind;
use tamis_protocols::wire::terms::Terms;

use super::open::Layers;
use super::progress::Counted;
use super::{Held, JobError, memory};
use crate::domain::id::Id;
use crate::domain::state::{self, Step};
use crate::service::files::{Object, remove};
use crate::service::uploads::set_size;
use crate::service::{Service, terms};
use crate::sets::{self, DeltaWeight, Expectation, SealError, SealJob, Spool};
use crate::store::layers::{Lineage, SetSize};
use crate::store::uploads::{Kind, Upload};
use crate::store::{Tx, snapshot, transact};

/// What the owner reads when it is our fault.
const OURS: &str = "The service could not seal this upload: send it again, or ask the operator.";

/// What the owner reads of a delta that comes first.
const NO_SET: &str = "there is nothing yet to change: send a full upload first";

/// A sealed layer, not in the database yet.
struct Sealed {
    report: UploadReport,
    /// If it is a delta: what lies on the base of its set, and rows of an advertiser that it removed.
    delta: Option<(DeltaWeight, u64)>,
}

impl Service {
    pub(super) async fn run_seal(&self, held: &Held) -> Result<(), JobError> {
        let id = held.subject()?;
        let (upload, expect, below) = self.to_seal(id).await?;
        if upload.state != state::Upload::Sealing {
            return self.end(held, "seal-again").await;
        }
        let sealed = match upload.mode.is_delta() && below.is_none() {
            true => Err(SealError::Refused(NO_SET.to_owned())),
            // A whole layer of an earlier run that did not get to its commit is recognised and kept.
            false => self.seal(held, &upload, expect, below.clone()).await,
        };
        match sealed {
            Ok(sealed) => self.sealed(held, &upload, below, sealed).await?,
            Err(SealError::Refused(why)) => self.refused(held, id, why).await?,
            Err(_) if held.cancel.is_cancelled() => return Err(JobError::Cancelled),
            Err(error) => return Err(JobError::failed("sealing", error)),
        }
        self.wake();
        remove(&self.files().spool(id)).map_err(|error| JobError::failed("spool", error))
    }

    /// The upload, what it must be, and the set that it changes.
    async fn to_seal(&self, id: Id) -> Result<(Upload, Expectation, Option<Layers>), JobError> {
        let as_of = self.today();
        snapshot!(self.store(), "seal", |tx| {
            let upload = tx.upload(id).await?;
            let upload = upload.ok_or_else(|| JobError::gone("the upload"))?;
            let found = tx.collaboration(upload.collaboration).await?;
            let found = found.ok_or_else(|| JobError::gone("the collaboration"))?;
            let terms = terms::stored(&found.terms)?;
            let (kind, rule) = side(upload.kind, &terms);
            // As signed, whatever keys the destinations have enrolled with since.
            let destinations = terms.destinations.iter();
            let destinations = destinations
                .map(|one| (one.name.clone(), one.sealing_key.is_some()))
                .collect();
            let expect = Expectation {
                kind,
                mode: upload.mode,
                collaboration: found.id.to_string(),
                epoch: terms.epoch,
                identifiers: terms.identifiers,
                destinations,
                rule,
                as_of,
            };
            let newest = match upload.mode.is_delta() {
                true => tx.newest_sealed(found.id, upload.kind).await?,
                false => None,
            };
            let below = match newest {
                Some(newest) => Some(Layers::read(tx, newest).await?),
                None => None,
            };
            Ok((upload, expect, below))
        })
    }

    /// Runs the sealing on its own thread, in the memory granted to it.
    async fn seal(
        &self,
        held: &Held,
        upload: &Upload,
        expect: Expectation,
        below: Option<Layers>,
    ) -> Result<Sealed, SealError> {
        let (service, held) = (self.clone(), held.clone());
        let (id, length) = (upload.id, upload.length);
        let wrapped = upload.wrapped_key.clone();
        let sealing = tokio::task::spawn_blocking(move || {
            let object = Object::Upload(id);
            let context = object.context();
            let key = service.key(object, &wrapped).map_err(other)?;
            let path = service.files().spool(id);
            let source = Spool::reader(&path, &key, &context).map_err(other)?;
            let parent = below.as_ref().map(|below| service.open_set(below));
            let parent = parent.transpose().map_err(other)?;
            let report = sets::seal(SealJob {
                source: Box::new(Counted::new(source, length, held.progress.clone())),
                dir: &service.files().set(id),
                key: &key,
                set_id: &id.to_string(),
                parent: parent.as_ref(),
                expect,
                memory: memory::sorting(service.granted(&held), length),
                entropy: service.entropy(),
                threads: 2,
                progress: &|progress| {
                    held.progress.set_rows(progress.rows);
                    if progress.finished > 0.0 {
                        held.progress.finishing(progress.finished);
                    }
                },
                cancel: held.cancel.flag(),
            })?;
            let delta = (below.zip(parent)).map(|(below, parent)| {
                let set = service.open_delta(&below, id, &wrapped)?;
                let removed = match set.kind() {
                    UploadKind::Crm => set.gone().len() - parent.gone().len(),
                    UploadKind::Graph => 0,
                };
                Ok::<_, JobError>((set.delta_weight(), removed))
            });
            let delta = delta.transpose().map_err(other)?;
            Ok(Sealed { report, delta })
        });
        sealing.await.unwrap_or_else(|error| Err(other(error)))
    }

    async fn sealed(
        &self,
        held: &Held,
        upload: &Upload,
        below: Option<Layers>,
        Sealed { report, delta }: Sealed,
    ) -> Result<(), JobError> {
        let parent = below.and_then(|below| below.form());
        let json =
            serde_json::to_string(&report).map_err(|error| JobError::failed("report", error))?;
        let now = self.now();
        transact!(self.store(), "seal-finish", |tx| {
            tx.end_job(&held.job).await?;
            let newest = tx.newest_sealed(upload.collaboration, upload.kind).await?;
            let step = Step::new(state::Upload::Sealing, state::Upload::Sealed)?;
            tx.finish_upload(upload.id, step, report.rows, Some(json.clone()), None)
                .await?;
            let mut size = SetSize::default();
            if let Some((parent, _)) = parent {
                if newest != Some(parent) {
                    return Err(JobError::Overtaken);
                }
                let parent = tx.upload(parent).await?;
                size = set_size(&parent.ok_or_else(|| JobError::gone("the parent"))?);
            }
            size.rows += report.rows;
            size.persons += report.persons.unwrap_or(0);
            if upload.mode.brings_rows() {
                size.accepted += report.accepted;
            }
            if let Some((weight, removed)) = delta {
                size.accepted = size.accepted.saturating_sub(removed);
                self.queue_compaction(tx, upload, weight).await?;
            }
            tx.set_lineage(upload.id, Lineage { parent, size }).await?;
            let event = Event::Upload {
                collaboration: upload.collaboration.to_string(),
                upload: upload.id.to_string(),
                kind: upload.kind.as_str().to_owned(),
                consent_root: report.consent_root.clone(),
                mode: parent.map(|_| upload.mode.as_str().to_owned()),
                parent: parent.map(|(parent, _)| parent.to_string()),
            };
            self.record(tx, now, &upload.owner, event, None).await?;
            Ok(())
        })
    }

    async fn refused(&self, held: &Held, id: Id, why: String) -> Result<(), JobError> {
        let rows = held.progress.rows();
        transact!(self.store(), "seal-refuse", |tx| {
            tx.end_job(&held.job).await?;
            let step = Step::new(state::Upload::Sealing, state::Upload::Refused)?;
            Ok(tx
                .finish_upload(id, step, rows, None, Some(why.clone()))
                .await?)
        })
    }

    /// Ends a job that has nothing left to do.
    pub(super) async fn end(&self, held: &Held, name: &'static str) -> Result<(), JobError> {
        transact!(self.store(), name, |tx| {
            Ok(tx.end_job(&held.job).await?)
        })
    }
}

/// Refuses an upload that cannot be sealed for reasons of ours.
pub(super) async fn give_up(tx: &mut Tx, id: Id) -> Result<(), JobError> {
    let step = Step::new(state::Upload::Sealing, state::Upload::Refused)?;
    let why = Some(OURS.to_owned());
    Ok(tx.finish_upload(id, step, 0, None, why).await?)
}

fn side(kind: Kind, terms: &Terms) -> (UploadKind, ConsentRule) {
    match kind {
        Kind::Crm => (UploadKind::Crm, terms.advertiser_consent.clone()),
        Kind::Graph => (UploadKind::Graph, terms.partner_consent.clone()),
    }
}

fn other(error: impl std::fmt::Display) -> SealError {
    SealError::Source(std::io::Error::other(error.to_string()))
}
