//! Compacting: the set of an upload, a base and many deltas, written as one layer again.
//!
//! ```text
//! base ◀ add ◀ remove ◀ add     →  one layer beside them, then its row, in one transaction
//! ```
//! It changes how the set is opened, never what it answers. Whoever has the old layers open goes on
//! reading them: they stay. A kill leaves at most a layer that no row knows: the next run takes it if it
//! is whole, and makes it anew if not. One at a time, in a loop of its own, so that neither the log nor a
//! delivery waits for it; a set that got far too heavy is compacted before the next upload to it is sealed.
//!
//! What each party learns: nothing. No number of rows or persons leaves this room.

use super::open::Layers;
use super::{Held, JobError};
use crate::domain::id::Id;
use crate::service::append::{blocking, seal_lane};
use crate::service::files::{Object, remove};
use crate::service::{Service, ServiceError};
use crate::sets::{self, CompactJob, DeltaWeight};
use crate::store::jobs::JobKind;
use crate::store::uploads::Upload;
use crate::store::{Tx, snapshot, transact};

/// So many times the most layers are too many to take in more.
const OVERDUE: usize = 4;

/// When a set is worth writing anew. Every layer makes each match slower; writing anew costs about as much
/// as sealing everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compaction {
    /// Most layers on top of a base.
    pub layers: usize,
    /// Most rows in them, and owners of the base that they remove, in percent of those of the base.
    pub percent: u32,
}

impl Default for Compaction {
    /// 8 layers, 10 %.
    fn default() -> Self {
        Compaction {
            layers: 8,
            percent: 10,
        }
    }
}

impl Compaction {
    fn asks(self, weight: DeltaWeight) -> bool {
        let share = weight.rows + weight.gone;
        weight.layers > self.layers || share * 100.0 > f64::from(self.percent)
    }

    fn overdue(self, weight: DeltaWeight) -> bool {
        weight.layers > self.layers.saturating_mul(OVERDUE)
    }
}

impl Service {
    /// Queues the compaction of an upload that is being marked as sealed, if its set asks for it; call
    /// [`Service::wake`] after the commit.
    pub(super) async fn queue_compaction(
        &self,
        tx: &mut Tx,
        upload: &Upload,
        weight: DeltaWeight,
    ) -> Result<(), ServiceError> {
        let when = self.limits().compaction;
        if !when.asks(weight) {
            return Ok(());
        }
        let lane = match when.overdue(weight) {
            true => seal_lane(upload),
            false => format!("compact/{}/{}", upload.collaboration, upload.kind.as_str()),
        };
        let subject = upload.id.to_string();
        self.queue(tx, JobKind::Compact, &subject, &lane, self.now())
            .await
    }

    pub(super) async fn run_compact(&self, held: &Held) -> Result<(), JobError> {
        let id = held.subject()?;
        let Some((upload, layers, erased)) = self.to_compact(id).await? else {
            return self.end(held, "compact-needless").await;
        };
        let collaboration = upload.collaboration;
        if erased > 0 {
            // A whole layer that an earlier run left here may hold who was erased since.
            remove(&self.files().compacted(id))
                .map_err(|error| ServiceError::internal("compacted set", error))?;
        }
        let (service, running) = (self.clone(), held.clone());
        let written = blocking(move || Ok(service.compact(&running, &upload, &layers)));
        match written.await? {
            Err(_) if held.cancel.is_cancelled() => return Err(JobError::Cancelled),
            written => written?,
        }
        let now = self.now();
        let finished = transact!(self.store(), "compact-finish", |tx| {
            if tx.erasures(collaboration).await? != erased {
                return Ok(false);
            }
            tx.end_job(&held.job).await?;
            tx.set_compacted(id, now).await?;
            Ok::<_, JobError>(true)
        })?;
        if !finished {
            // Another instance erased people meanwhile: they may be in what was written.
            remove(&self.files().compacted(id))
                .map_err(|error| ServiceError::internal("compacted set", error))?;
            return Err(JobError::failed(
                "compacting",
                "people were erased meanwhile",
            ));
        }
        Ok(())
    }

    /// The upload and the layers of its set; none if there is nothing to gain: it is one layer, or a newer
    /// upload of its side is there, whose own job sees to it.
    /// With how many erasures were done before.
    async fn to_compact(&self, id: Id) -> Result<Option<(Upload, Layers, u64)>, JobError> {
        snapshot!(self.store(), "compact", |tx| {
            let upload = tx.upload(id).await?;
            let upload = upload.ok_or_else(|| JobError::gone("the upload"))?;
            let newest = tx.newest_sealed(upload.collaboration, upload.kind).await?;
            let layers = Layers::read(tx, id).await?;
            let worth = layers.len() > 1 && newest == Some(id);
            let erased = tx.erasures(upload.collaboration).await?;
            Ok::<_, JobError>(worth.then_some((upload, layers, erased)))
        })
    }

    fn compact(&self, held: &Held, upload: &Upload, layers: &Layers) -> Result<(), JobError> {
        let set = self.open_set(layers)?;
        let key = self.key(Object::Upload(upload.id), &upload.wrapped_key)?;
        let job = CompactJob {
            set: &set,
            dir: &self.files().compacted(upload.id),
            key: &key,
            entropy: self.entropy(),
            progress: &|fraction| held.progress.set(fraction),
            cancel: held.cancel.flag(),
        };
        sets::compact(job).map_err(|error| JobError::failed("compacting", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_compacted_for_its_layers_or_for_their_weight() {
        let when = Compaction::default();
        let weight = |layers, rows, gone| DeltaWeight { layers, rows, gone };
        assert!(!when.asks(weight(8, 0.05, 0.05)));
        assert!(when.asks(weight(9, 0.0, 0.0)));
        assert!(when.asks(weight(1, 0.101, 0.0)));
        assert!(when.asks(weight(1, 0.06, 0.05)));
        assert!(!when.overdue(weight(32, 9.0, 1.0)));
        assert!(when.overdue(weight(33, 0.0, 0.0)));
    }
}
