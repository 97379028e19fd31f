//! Asking the gate: for one audience at one destination, under a policy, and what it cost.

use tamis_protocols::release::{Policy, Wish};
use tamis_protocols::wire::api::*;

use super::World;
use super::world::ALL;
use crate::service::ServiceError;
use crate::service::work::JobError;
use crate::store::snapshot;

impl World {
    /// A collaboration whose terms tighten the policy.
    pub(super) async fn agreed_on(wish: Wish) -> (World, String) {
        let (world, _) = World::agreed().await;
        let mut terms = world.terms();
        terms.release = Policy::floor().tightened(&wish).unwrap();
        let collaboration = world.agree(&terms).await;
        (world, collaboration)
    }

    /// Asks for an audience at one destination.
    pub(super) async fn ask(
        &self,
        collaboration: &str,
        name: &str,
        expression: &str,
        destination: &str,
    ) -> Result<AudienceView, ServiceError> {
        let request = asking(expression, destination, None);
        let shop = self.caller("shop");
        self.service
            .put_audience(&shop, collaboration, name, request)
            .await
    }

    /// Asks for an audience at `dmp-b` and does everything that follows; what came of it.
    pub(super) async fn answered(
        &self,
        collaboration: &str,
        name: &str,
        expression: &str,
    ) -> AudienceAtDestination {
        self.ask(collaboration, name, expression, "dmp-b")
            .await
            .unwrap();
        self.work(&ALL).await;
        self.at_dmp(collaboration, name).await
    }

    /// Where an audience is at `dmp-b`.
    pub(super) async fn at_dmp(&self, collaboration: &str, name: &str) -> AudienceAtDestination {
        let view = self.audience(collaboration, name).await;
        let mut there = view.destinations.into_iter();
        there.find(|at| at.destination == "dmp-b").unwrap()
    }

    /// Every charge to an advertiser's account with `graphs`.
    pub(super) async fn charges(&self, advertiser: &str) -> Vec<u32> {
        let since = jiff::Timestamp::UNIX_EPOCH;
        let charges: Result<_, JobError> = snapshot!(self.service.store(), "charges", |tx| {
            Ok(tx.charges(Some(advertiser), "graphs", since).await?)
        });
        let charges = charges.unwrap().into_iter();
        charges.map(|charge| charge.amount).collect()
    }

    /// How many files of emissions a row knows, and how many there are.
    pub(super) async fn emission_files(&self) -> (usize, usize) {
        let known: Result<_, JobError> = snapshot!(self.service.store(), "emissions", |tx| {
            Ok(tx.emission_file_ids().await?.len())
        });
        let there = std::fs::read_dir(self.path().join("emissions")).unwrap();
        (known.unwrap(), there.count())
    }
}

/// A request for one destination.
pub(super) fn asking(
    expression: &str,
    destination: &str,
    holdout_percent: Option<u8>,
) -> AudienceRequest {
    AudienceRequest {
        expression: expression.to_owned(),
        destinations: vec![destination.to_owned()],
        purpose: AudienceUse::Target,
        holdout_percent,
    }
}

/// What a refusal is called, and what it says.
pub(super) fn refusal<T: std::fmt::Debug>(
    refused: Result<T, ServiceError>,
) -> (&'static str, String) {
    match refused {
        Err(ServiceError::Conflict { code, detail } | ServiceError::Invalid { code, detail }) => {
            (code, detail)
        }
        other => panic!("{other:?}"),
    }
}
