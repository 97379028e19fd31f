//! A set with more layers than it should have.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tamis_protocols::wire::api::UploadMode;

use super::world::ALL;
use super::{Person, World};
use crate::domain::id::Id;
use crate::service::Compaction;
use crate::service::work::JobError;
use crate::store::jobs::JobKind;
use crate::store::layers::LayerRow;
use crate::store::snapshot;

pub(super) const BUT_COMPACTING: [JobKind; 5] = [
    JobKind::Seal,
    JobKind::Match,
    JobKind::Decide,
    JobKind::Deliver,
    JobKind::Publish,
];

/// Everyone, in other words each time: three questions.
pub(super) const EVERYONE: [&str; 3] =
    ["all", r#""all" = yes"#, r#""all" = yes or loyalty = gold"#];

/// A world in which the third delta on a set asks for its compaction.
pub(super) struct Heavy {
    pub world: World,
    pub collaboration: String,
    pub persons: Vec<Person>,
    /// The partner's deltas.
    pub deltas: Vec<String>,
}

impl Heavy {
    /// Everyone was asked for on the base, under two names; three deltas on it are sealed, each as large as
    /// the gate lets through, and their compaction waits.
    pub(super) async fn new() -> Heavy {
        let (mut world, collaboration) = World::agreed().await;
        world.parts.limits.compaction = Compaction {
            layers: 2,
            percent: 1000,
        };
        world.restart().await;
        let persons = Person::many(960, 0);
        world.upload_both(&collaboration, &persons[..600]).await;
        world.put_open(&collaboration, "before").await;
        world.put_open(&collaboration, "everyone").await;
        world.work(&ALL).await;
        let add = UploadMode::Add;
        world
            .change("shop", &collaboration, add, &persons[600..])
            .await;
        let mut heavy = Heavy {
            world,
            collaboration,
            persons,
            deltas: Vec::new(),
        };
        heavy.change(add, 600..720).await;
        heavy.change(UploadMode::Remove, 0..120).await;
        heavy.change(add, 720..840).await;
        heavy.world.work(&BUT_COMPACTING).await;
        heavy
    }

    pub(super) async fn change(&mut self, mode: UploadMode, persons: std::ops::Range<usize>) {
        let persons = &self.persons[persons];
        let sent = self
            .world
            .change("graphs", &self.collaboration, mode, persons);
        self.deltas.push(sent.await);
    }

    pub(super) fn newest(&self) -> &str {
        self.deltas.last().unwrap()
    }

    pub(super) fn dir(&self, id: &str) -> PathBuf {
        self.world.path().join("compacted").join(id)
    }

    pub(super) async fn layers(&self, id: &str) -> Vec<LayerRow> {
        let id = Id::parse(id).unwrap();
        let layers: Result<_, JobError> = snapshot!(self.world.service.store(), "layers", |tx| {
            Ok(tx.layers(id).await?)
        });
        layers.unwrap()
    }

    pub(super) async fn is_compacted(&self, id: &str) -> bool {
        let layers = self.layers(id).await;
        layers.len() == 1 && layers[0].compacted
    }

    /// What `dmp-b` holds of everyone after they were asked for anew, in words that were not used before:
    /// it is a new question.
    pub(super) async fn asked(&self, expression: &str) -> BTreeSet<String> {
        let (world, collaboration) = (&self.world, &self.collaboration);
        world
            .ask(collaboration, "everyone", expression, "dmp-b")
            .await
            .unwrap();
        world.work(&BUT_COMPACTING).await;
        world.destinations.members("dmp-b", "everyone")
    }

    pub(super) fn cookies(&self, persons: std::ops::Range<usize>) -> BTreeSet<String> {
        self.persons[persons].iter().map(Person::cookie).collect()
    }
}
