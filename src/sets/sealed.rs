//! An opened sealed set: a base layer and the deltas on top of it.

use std::path::Path;

use roaring::RoaringBitmap;
use tamis_keys::Secret;
use tamis_keys::purpose::Data;
use tamis_protocols::wire::api::UploadReport;
use tamis_protocols::wire::batch::UploadKind;

use super::SetError;
use super::layer::Layer;

/// How much of a set is in its deltas: when it is worth while to compact it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeltaWeight {
    /// Delta layers.
    pub layers: usize,
    /// Their rows, as a share of the base's.
    pub rows: f64,
    /// Owners (rows of an advertiser, persons of a partner) that they removed, as a share of the base's.
    pub gone: f64,
}

/// A sealed set, open for reading by any number of threads. Memory: that of its layers, 8 bytes per person
/// that a delta made one with another, and a bitmap of who is gone.
pub struct SealedSet {
    layers: Vec<Layer>,
    gone: RoaringBitmap,
    aliases: Vec<(u32, u32)>,
}

impl SealedSet {
    /// Opens a set of one layer: the one in `directory`, with its data key.
    ///
    /// # Errors
    /// A missing, damaged, foreign or newer file, by name; a delta, which is no set by itself.
    pub fn open(directory: &Path, key: &Secret<Data>, id: &str) -> Result<Self, SetError> {
        SealedSet::stacked(vec![Layer::open(directory, key, id)?])
    }

    /// Opens the one layer that the set of upload `id` was compacted to.
    ///
    /// # Errors
    /// A missing, damaged, foreign or newer file, by name.
    pub fn compacted(directory: &Path, key: &Secret<Data>, id: &str) -> Result<Self, SetError> {
        SealedSet::stacked(vec![Layer::compacted(directory, key, id)?])
    }

    /// A set of several layers: a base and the deltas made on top of it, in order.
    ///
    /// # Errors
    /// The layers do not belong on each other, or what they change cannot be read.
    pub fn stacked(layers: Vec<Layer>) -> Result<Self, SetError> {
        let (mut gone, mut aliases) = (RoaringBitmap::new(), Vec::new());
        for (at, layer) in layers.iter().enumerate() {
            let below = at.checked_sub(1).and_then(|below| layers.get(below));
            if !layer.lies_on(below) {
                let problem = "was not made on top of this set";
                return Err(SetError::format(layer.directory(), problem));
            }
            gone |= layer.gone()?;
            aliases.extend(layer.aliases()?);
        }
        match layers.is_empty() {
            true => Err(SetError::format(Path::new("set"), "has no layer")),
            false => Ok(SealedSet {
                layers,
                gone,
                aliases,
            }),
        }
    }

    /// The base first; there is always one.
    pub(crate) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The newest layer, which says what the set is.
    pub(super) fn top(&self) -> &Layer {
        &self.layers[self.layers.len() - 1]
    }

    /// The set's id: the upload that its newest layer was made from.
    pub fn id(&self) -> &str {
        self.top().id()
    }

    /// Which side it is from.
    pub fn kind(&self) -> UploadKind {
        self.top().header.kind
    }

    /// The collaboration it belongs to.
    pub fn collaboration(&self) -> &str {
        &self.top().header.collaboration
    }

    /// The epoch of its tokens.
    pub fn epoch(&self) -> u32 {
        self.top().header.epoch
    }

    /// What was made of the newest upload; for its owner only.
    pub fn report(&self) -> &UploadReport {
        &self.top().header.report
    }

    /// Rows of all layers, whether accepted or not.
    pub(crate) fn rows(&self) -> u32 {
        self.top().first_row() + self.top().rows()
    }

    /// Persons that a partner's layers have numbered, also those that are gone or became another.
    pub(crate) fn persons(&self) -> u32 {
        self.top().first_person() + self.top().header.persons
    }

    /// Rows of an advertiser, persons of a partner, that deltas removed.
    pub(crate) fn gone(&self) -> &RoaringBitmap {
        &self.gone
    }

    /// Persons that became one with another, in the order in which to follow them: from, to.
    pub(crate) fn aliases(&self) -> &[(u32, u32)] {
        &self.aliases
    }

    /// How much of the set is in its deltas.
    pub fn delta_weight(&self) -> DeltaWeight {
        let base = &self.layers[0];
        let owners = match self.kind() {
            UploadKind::Crm => base.rows(),
            UploadKind::Graph => base.header.persons,
        };
        let share = |part: u64, whole: u32| part as f64 / f64::from(whole.max(1));
        DeltaWeight {
            layers: self.layers.len() - 1,
            rows: share(u64::from(self.rows() - base.rows()), base.rows()),
            gone: share(self.gone.len(), owners),
        }
    }

    /// Reads every block of every file.
    ///
    /// # Errors
    /// The first one that is damaged.
    pub fn verify(&self) -> Result<(), SetError> {
        self.layers.iter().try_for_each(Layer::verify)
    }
}
