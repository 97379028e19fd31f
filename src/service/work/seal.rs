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

use super::admit::Bounds;
use super::cover::{Count, Reached};
use super::open::Layers;
use super::progress::Counted;
use super::{Held, JobError, memory};
use crate::domain::id::Id;
use crate::domain::state::{self, Step};
use crate::service::coverage;
use crate::service::files::{Object, remove};
use crate::service::uploads::set_size;
use crate::service::{Service, terms};
use crate::sets::{
    self, DeltaWeight, Expectation, Ledger, LedgerPlace, SealError, SealJob, Spool, Tallies,
};
use crate::store::audits::BatchHead;
use crate::store::layers::{Lineage, SetSize};
use crate::store::ledgers::LedgerRow;
use crate::store::uploads::{Kind, Upload};
use crate::store::{Tx, snapshot, transact};

/// What the owner reads when it is our fault.
const OURS: &str = "The service could not seal this upload: send it again, or ask the operator.";

/// What the owner reads of a delta that comes first.
const NO_SET: &str = "there is nothing yet to change: send a full upload first";

/// An upload to be sealed.
#[derive(Clone)]
struct Order {
    upload: Upload,
    /// The set that it changes.
    below: Option<Layers>,
    /// If it is an advertiser's: what its set must be.
    bounds: Option<Bounds>,
    /// If it is a partner's and coverage is due.
    count: Option<Count>,
}

/// A sealed layer, not in the database yet.
struct Sealed {
    report: UploadReport,
    tallies: Tallies,
    head: BatchHead,
    /// If it is a delta: what lies on the base of its set, and rows of an advertiser that it removed.
    delta: Option<(DeltaWeight, u64)>,
    reached: Option<Reached>,
}

impl Service {
    pub(super) async fn run_seal(&self, held: &Held) -> Result<(), JobError> {
        let id = held.subject()?;
        let (order, expect) = self.to_seal(id).await?;
        if order.upload.state != state::Upload::Sealing {
            return self.end(held, "seal-again").await;
        }
        let sealed = match order.upload.mode.is_delta() && order.below.is_none() {
            true => Err(SealError::Refused(NO_SET.to_owned())),
            // A whole layer of an earlier run that did not get to its commit is recognised and kept.
            false => {
                let ledger = self.ledger_of(id).await?;
                self.seal(held, order.clone(), expect, ledger).await
            }
        };
        match sealed {
            Ok(sealed) => self.sealed(held, &order, sealed).await?,
            Err(SealError::Refused(why)) => self.refused(held, id, why).await?,
            Err(_) if held.cancel.is_cancelled() => return Err(JobError::Cancelled),
            Err(error) => return Err(JobError::failed("sealing", error)),
        }
        self.wake();
        remove(&self.files().spool(id)).map_err(|error| JobError::failed("spool", error))
    }

    /// The upload, and what its rows must be.
    async fn to_seal(&self, id: Id) -> Result<(Order, Expectation), JobError> {
        let (now, as_of) = (self.now(), self.today());
        snapshot!(self.store(), "seal", |tx| {
            let upload = tx.upload(id).await?;
            let upload = upload.ok_or_else(|| JobError::gone("the upload"))?;
            let found = tx.collaboration(upload.collaboration).await?;
            let found = found.ok_or_else(|| JobError::gone("the collaboration"))?;
            let terms = terms::stored(&found.terms)?;
            let policy = self.effective_policy(tx, &found).await?;
            let bounds = Bounds::read(tx, &upload, &policy, terms.crm_rows).await?;
            let mut count = None;
            if upload.kind == Kind::Graph
                && coverage::is_due(tx.newest_coverage(found.id).await?.as_ref(), now)
            {
                let mut destinations: Vec<String> =
                    terms.destination_names().map(str::to_owned).collect();
                destinations.sort_unstable();
                count = Some(Count {
                    destinations,
                    policy,
                });
            }
            let (kind, rule) = side(upload.kind, &terms);
            // As signed, whatever keys the destinations have enrolled with since.
            let destinations = terms.destinations.iter();
            let destinations = destinations
                .map(|one| (one.name.clone(), one.sealing_key.is_some()))
                .collect();
            let recipients = terms.recipients();
            let expect = Expectation {
                kind,
                mode: upload.mode,
                bridge: upload.bridges.map(|other| other.to_string()),
                collaboration: found.id.to_string(),
                epoch: terms.epoch,
                identifiers: terms.identifiers,
                destinations,
                recipients,
                rule,
                as_of,
                most_rows: match upload.mode.brings_rows() {
                    true => bounds.and_then(|bounds| bounds.most),
                    false => None,
                },
            };
            let newest = match upload.mode.is_delta() {
                true => tx.newest_sealed(found.id, upload.kind).await?,
                false => None,
            };
            let below = match newest {
                Some(newest) => Some(Layers::read(tx, newest).await?),
                None => None,
            };
            let order = Order {
                upload,
                below,
                bounds,
                count,
            };
            Ok((order, expect))
        })
    }

    /// The keys of the upload's consent records: the same in every run, so that a whole set that is there
    /// already has a ledger that opens.
    async fn ledger_of(&self, upload: Id) -> Result<LedgerRow, JobError> {
        let (_, wrapped_key) = self.new_key(Object::Ledger(upload));
        let (_, wrapped_seed) = self.new_key(Object::LedgerSeed(upload));
        let new = LedgerRow {
            upload,
            wrapped_key,
            wrapped_seed: Some(wrapped_seed),
            leaf: None,
            tallies: None,
        };
        transact!(self.store(), "seal-ledger", |tx| {
            let sealing = tx.upload(upload).await?;
            if sealing.is_none_or(|upload| upload.state != state::Upload::Sealing) {
                return Err(JobError::Overtaken);
            }
            if let Some(known) = tx.ledger(upload).await? {
                return Ok(known);
            }
            tx.add_ledger(&new).await?;
            Ok::<_, JobError>(new.clone())
        })
    }

    /// Runs the sealing on its own thread, in the memory granted to it.
    async fn seal(
        &self,
        held: &Held,
        order: Order,
        expect: Expectation,
        ledger: LedgerRow,
    ) -> Result<Sealed, SealError> {
        let (service, held) = (self.clone(), held.clone());
        let Order {
            upload,
            below,
            count,
            ..
        } = order;
        let (id, length) = (upload.id, upload.length);
        let wrapped = upload.wrapped_key;
        let sealing = tokio::task::spawn_blocking(move || {
            let object = Object::Upload(id);
            let context = object.context();
            let key = service.key(object, &wrapped).map_err(other)?;
            let path = service.files().spool(id);
            let source = Spool::reader(&path, &key, &context).map_err(other)?;
            let parent = below.as_ref().map(|below| service.open_set(below));
            let parent = parent.transpose().map_err(other)?;
            let records = service.files().consent(id);
            let records_key = service
                .key(Object::Ledger(id), &ledger.wrapped_key)
                .map_err(other)?;
            let seed = ledger
                .wrapped_seed
                .ok_or_else(|| other("there is no seed"))?;
            let seed = service.key(Object::LedgerSeed(id), &seed).map_err(other)?;
            let report = sets::seal(SealJob {
                source: Box::new(Counted::new(source, length, held.progress.clone())),
                dir: &service.files().set(id),
                key: &key,
                set_id: &id.to_string(),
                ledger: Some(LedgerPlace {
                    dir: &records,
                    key: &records_key,
                    seed: &seed,
                }),
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
            let kept = Ledger::open(&records, &records_key, &id.to_string());
            let kept = kept.map_err(other)?;
            let tallies = kept.tallies().clone();
            let head = BatchHead {
                upload: id,
                records: kept.rows(),
                root: hex::encode(kept.root()),
            };
            let (mut delta, mut reached) = (None, None);
            if parent.is_some() || count.is_some() {
                let set = service.open_new(below.as_ref(), id, &wrapped);
                let set = set.map_err(other)?;
                delta = parent.map(|parent| {
                    let removed = match set.kind() {
                        UploadKind::Crm => set.gone().len() - parent.gone().len(),
                        UploadKind::Graph => 0,
                    };
                    (set.delta_weight(), removed)
                });
                let count = count.map(|count| service.count_reach(&set, count, &held));
                reached = count.transpose().map_err(other)?;
            }
            Ok(Sealed {
                report,
                tallies,
                head,
                delta,
                reached,
            })
        });
        sealing.await.unwrap_or_else(|error| Err(other(error)))
    }

    async fn sealed(
        &self,
        held: &Held,
        order: &Order,
        Sealed {
            report,
            tallies,
            head,
            delta,
            reached,
        }: Sealed,
    ) -> Result<(), JobError> {
        let upload = &order.upload;
        let parent = order.below.as_ref().and_then(Layers::form);
        let json =
            serde_json::to_string(&report).map_err(|error| JobError::failed("report", error))?;
        let tallies =
            serde_json::to_string(&tallies).map_err(|error| JobError::failed("tallies", error))?;
        let now = self.now();
        let admitted = transact!(self.store(), "seal-finish", |tx| {
            tx.end_job(&held.job).await?;
            let newest = tx.newest_sealed(upload.collaboration, upload.kind).await?;
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
            if let Some((_, removed)) = delta {
                size.accepted = size.accepted.saturating_sub(removed);
            }
            if let Some(Err(why)) = order.bounds.map(|bounds| bounds.admit(&size)) {
                let step = Step::new(state::Upload::Sealing, state::Upload::Refused)?;
                tx.finish_upload(upload.id, step, report.rows, None, Some(why))
                    .await?;
                tx.drop_ledger(upload.id).await?;
                return Ok(false);
            }
            if let Some((weight, _)) = delta {
                self.queue_compaction(tx, upload, weight).await?;
            }
            let step = Step::new(state::Upload::Sealing, state::Upload::Sealed)?;
            tx.finish_upload(upload.id, step, report.rows, Some(json.clone()), None)
                .await?;
            tx.set_lineage(upload.id, Lineage { parent, size }).await?;
            tx.set_sealed_at(upload.id, now).await?;
            let event = Event::Upload {
                collaboration: upload.collaboration.to_string(),
                upload: upload.id.to_string(),
                kind: upload.kind.as_str().to_owned(),
                consent_root: report.consent_root.clone(),
                mode: parent.map(|_| upload.mode.as_str().to_owned()),
                parent: parent.map(|(parent, _)| parent.to_string()),
                bridge: upload.bridges.map(|other| other.to_string()),
            };
            let leaf = self.record(tx, now, &upload.owner, event, None).await?;
            tx.seal_ledger(upload.id, leaf, &tallies).await?;
            tx.keep_head(leaf, &head).await?;
            self.erase_again(tx, upload).await?;
            if let Some(reached) = &reached {
                self.tell(tx, upload, reached).await?;
            }
            Ok::<_, JobError>(true)
        })?;
        if !admitted {
            let (set, records) = (self.files().set(upload.id), self.files().consent(upload.id));
            remove(&set)
                .and_then(|()| remove(&records))
                .map_err(|error| JobError::failed("refused set", error))?;
        }
        Ok(())
    }

    async fn refused(&self, held: &Held, id: Id, why: String) -> Result<(), JobError> {
        let rows = held.progress.rows();
        transact!(self.store(), "seal-refuse", |tx| {
            tx.end_job(&held.job).await?;
            let step = Step::new(state::Upload::Sealing, state::Upload::Refused)?;
            tx.drop_ledger(id).await?;
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
    tx.drop_ledger(id).await?;
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
