//! Opening the set of an upload: its layers, down to the nearest compacted or full one.
//!
//! The layers are read in one snapshot and opened later. A compaction may commit in between: the layers
//! of before stay where they are, and answer the same.

use super::JobError;
use crate::domain::id::Id;
use crate::service::Service;
use crate::service::files::Object;
use crate::sets::{Layer, SealedSet};
use crate::store::Tx;
use crate::store::layers::LayerRow;

/// The layers of a sealed upload's set, the base first.
#[derive(Clone)]
pub(in crate::service) struct Layers(Vec<LayerRow>);

/// What names a set in one form: persons have the same numbers only within it.
pub(in crate::service) type Form = Option<(Id, bool)>;

impl From<Vec<LayerRow>> for Layers {
    fn from(layers: Vec<LayerRow>) -> Layers {
        Layers(layers)
    }
}

impl Layers {
    /// Those of a sealed upload.
    pub(in crate::service) async fn read(tx: &mut Tx, upload: Id) -> Result<Layers, JobError> {
        let layers = tx.layers(upload).await?;
        match layers.is_empty() {
            true => Err(JobError::gone("an upload")),
            false => Ok(Layers(layers)),
        }
    }

    /// Those of a sealed upload in one form: as one compacted layer, or as they were before.
    pub(super) async fn of_form(tx: &mut Tx, form: (Id, bool)) -> Result<Layers, JobError> {
        let layers = tx.layers_of_form(form.0, form.1).await?;
        match layers.is_empty() {
            true => Err(JobError::gone("an upload")),
            false => Ok(Layers(layers)),
        }
    }

    /// The layers, the base first.
    pub(super) fn rows(&self) -> &[LayerRow] {
        &self.0
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether all of them are one by now.
    pub(in crate::service) fn are_compacted(&self) -> bool {
        self.0.last().is_some_and(|top| top.compacted)
    }

    /// The newest upload in them, and whether all of them are one compacted layer.
    pub(super) fn form(&self) -> Form {
        let top = self.0.last();
        top.map(|top| (top.upload, top.compacted))
    }
}

/// The sets of both sides.
#[derive(Clone)]
pub(in crate::service) struct Pair {
    pub advertiser: Layers,
    pub partner: Layers,
}

impl Pair {
    /// Those of an advertiser's and a partner's upload.
    pub(in crate::service) async fn read(
        tx: &mut Tx,
        (advertiser, partner): (Id, Id),
    ) -> Result<Pair, JobError> {
        Ok(Pair {
            advertiser: Layers::read(tx, advertiser).await?,
            partner: Layers::read(tx, partner).await?,
        })
    }
}

impl Service {
    /// Opens a set.
    pub(in crate::service) fn open_set(&self, layers: &Layers) -> Result<SealedSet, JobError> {
        let opened = layers.0.iter().map(|layer| self.open_layer(layer));
        SealedSet::stacked(opened.collect::<Result<_, _>>()?)
            .map_err(|error| JobError::failed("sealed set", error))
    }

    /// Opens the set of an upload that is not in the database yet, a delta with what it was sealed on, as
    /// everybody will.
    pub(super) fn open_new(
        &self,
        below: Option<&Layers>,
        upload: Id,
        wrapped_key: &str,
    ) -> Result<SealedSet, JobError> {
        let mut layers = Layers(below.map(|below| below.0.clone()).unwrap_or_default());
        layers.0.push(LayerRow {
            upload,
            wrapped_key: wrapped_key.to_owned(),
            compacted: false,
        });
        self.open_set(&layers)
    }

    pub(super) fn open_layer(&self, layer: &LayerRow) -> Result<Layer, JobError> {
        let id = layer.upload;
        let key = self.key(Object::Upload(id), &layer.wrapped_key)?;
        match layer.compacted {
            true => Layer::compacted(&self.files().compacted(id), &key, &id.to_string()),
            false => Layer::open(&self.files().set(id), &key, &id.to_string()),
        }
        .map_err(|error| JobError::failed("sealed set", error))
    }
}
