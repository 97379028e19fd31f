//! Drawing samples and showing them. What is drawn follows from the checkpoint: the service cannot choose it,
//! and the auditor draws it again.

use tamis_protocols::audit::{SampleLine, sampling};
use tamis_protocols::transparency::{Opened, open_checkpoint};
use tamis_protocols::wire::api::{DrawnRecord, Listing, Role, SampleRequest, SampleView};

use super::auditor;
use crate::service::{Caller, Service, ServiceError, scope};
use crate::store::samples::Sample;
use crate::store::{Tx, snapshot, transact};

/// Samples of one auditor, at most.
const MOST: usize = 1_000;

impl Service {
    /// Draws a sample from the newest published checkpoint.
    ///
    /// # Errors
    /// `invalid_sample`, `nothing_to_draw`, `too_many_samples`; not found for an unknown collaboration.
    pub async fn draw_sample(
        &self,
        caller: &Caller,
        request: SampleRequest,
    ) -> Result<SampleView, ServiceError> {
        auditor(caller)?;
        if !(1..=sampling::MOST).contains(&request.n) || request.nonce.len() > sampling::NONCE_MAX {
            return Err(ServiceError::invalid(
                "invalid_sample",
                "A sample has 1 to 10000 records, and a nonce of at most 64 bytes.",
            ));
        }
        let only = request.collaboration.as_deref();
        let only = only.map(scope::id).transpose()?;
        let checkpoint = self.checkpoint().await?;
        let head = self.head(&checkpoint)?;
        let new = Sample {
            id: self.id(),
            auditor: caller.name.clone(),
            checkpoint,
            nonce: request.nonce,
            wanted: request.n,
            collaboration: only,
            at: self.now(),
        };
        transact!(self.store(), "sample-draw", |tx| {
            if let Some(id) = only {
                tx.collaboration(id).await?.ok_or(ServiceError::NotFound)?;
            }
            if tx.samples_of_auditor(&caller.name).await?.len() >= MOST {
                return Err(ServiceError::conflict(
                    "too_many_samples",
                    "You drew as many samples as are kept: pack those that you have.",
                ));
            }
            let uploads = tx.heads_before(head.size, only).await?;
            let rows: Vec<u64> = uploads.iter().map(|head| head.records).collect();
            let total = rows
                .iter()
                .fold(0_u64, |sum, rows| sum.saturating_add(*rows));
            let nonce = new.nonce.as_bytes();
            let drawn = sampling::draw(&head.root, head.size, nonce, total, new.wanted);
            if drawn.is_empty() {
                return Err(ServiceError::conflict(
                    "nothing_to_draw",
                    "No upload with consent records is under the newest checkpoint: wait until one is sealed.",
                ));
            }
            tx.add_sample(&new).await?;
            for number in drawn {
                let place = sampling::place(&rows, number);
                let (at, row) =
                    place.ok_or_else(|| ServiceError::internal("sample", "beyond all records"))?;
                tx.add_drawn(new.id, uploads[at].upload, row).await?;
            }
            self.sample_view(tx, caller, &new).await
        })
    }

    /// The caller's samples, the newest first: an auditor's own; a party's are those that drew a record of it.
    pub async fn samples(&self, caller: &Caller) -> Result<Listing<SampleView>, ServiceError> {
        snapshot!(self.store(), "samples", |tx| {
            let found = match caller.role {
                Role::Auditor => tx.samples_of_auditor(&caller.name).await?,
                _ => tx.samples_of_party(&caller.name).await?,
            };
            let mut items = Vec::new();
            for sample in found {
                items.push(self.sample_view(tx, caller, &sample).await?);
            }
            Ok(Listing { items })
        })
    }

    /// One of the caller's samples: to its auditor with its lines, to a party with what is open.
    pub async fn sample(&self, caller: &Caller, sample: &str) -> Result<SampleView, ServiceError> {
        let id = scope::id(sample)?;
        snapshot!(self.store(), "sample", |tx| {
            let found = tx.sample(id).await?.ok_or(ServiceError::NotFound)?;
            let mut view = self.sample_view(tx, caller, &found).await?;
            if caller.role != Role::Auditor {
                let drawn = tx.drawn(id, Some(&caller.name)).await?;
                let open = drawn.iter().filter(|one| !one.answered);
                view.records = open
                    .map(|one| DrawnRecord {
                        upload: one.upload.to_string(),
                        row: one.record,
                    })
                    .collect();
                return Ok(view);
            }
            let mut lines = vec![SampleLine::Sample {
                id: found.id.to_string(),
                auditor: found.auditor,
                checkpoint: found.checkpoint,
                nonce: found.nonce,
                n: found.wanted,
                collaboration: found.collaboration.map(|id| id.to_string()),
            }];
            let answers = tx.substantiations(id).await?.into_iter();
            lines.extend(
                answers.map(|(document, signature)| SampleLine::Substantiation {
                    document,
                    signature,
                }),
            );
            view.lines = lines
                .iter()
                .map(serde_json::to_string)
                .collect::<Result<_, _>>()
                .map_err(|error| ServiceError::internal("sample", error))?;
            Ok(view)
        })
    }

    /// A sample as the caller may see it; not found if it is not the caller's and drew nothing of it.
    pub(super) async fn sample_view(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        sample: &Sample,
    ) -> Result<SampleView, ServiceError> {
        let drawn = match caller.role {
            Role::Auditor if sample.auditor == caller.name => tx.drawn(sample.id, None).await?,
            Role::Auditor => return Err(ServiceError::NotFound),
            _ => tx.drawn(sample.id, Some(&caller.name)).await?,
        };
        if drawn.is_empty() {
            return Err(ServiceError::NotFound);
        }
        Ok(SampleView {
            id: sample.id.to_string(),
            auditor: sample.auditor.clone(),
            at: sample.at.to_string(),
            size: self.head(&sample.checkpoint)?.size,
            drawn: drawn.len() as u64,
            open: drawn.iter().filter(|one| !one.answered).count() as u64,
            records: Vec::new(),
            lines: Vec::new(),
        })
    }

    /// What a checkpoint of this log says.
    fn head(&self, checkpoint: &str) -> Result<Opened, ServiceError> {
        open_checkpoint(checkpoint.as_bytes(), &self.log_key())
            .ok_or_else(|| ServiceError::internal("checkpoint", "not of this log"))
    }
}
