//! Coverage: which share of the partner's persons has a live cookie at each destination, so that an
//! advertiser can see which partner is best synced with its DSP.
//!
//! It is counted when a graph is sealed, passes the gate, and is told to both parties. It says nothing of
//! the advertiser's rows, so it is charged to no budget; instead it is rare: a collaboration tells it at
//! most once in [`EVERY`], and sets that are sealed in between keep what was told. Asking again gives the
//! same, and no request of the advertiser draws noise.

use std::time::Duration;

use jiff::Timestamp;
use tamis_protocols::wire::api::{Coverage, CoverageView};

use super::{Caller, Service, ServiceError, scope};
use crate::store::coverages::StoredCoverage;
use crate::store::snapshot;

/// The shortest time between two releases: 7 days. So a person's cookie is told of at most five times
/// in 30 days, each with ε of one count for the persons and one for each destination.
const EVERY: Duration = Duration::from_secs(7 * 24 * 3600);

impl Service {
    /// The newest coverage of one of the caller's collaborations; without destinations before the
    /// partner has uploaded.
    pub async fn coverage(
        &self,
        caller: &Caller,
        collaboration: &str,
    ) -> Result<CoverageView, ServiceError> {
        let id = scope::id(collaboration)?;
        let newest = snapshot!(self.store(), "coverage", |tx| {
            let found = scope::collaboration(tx, caller, id).await?;
            Ok::<_, ServiceError>(tx.newest_coverage(found.id).await?)
        })?;
        let Some(newest) = newest else {
            return Ok(CoverageView {
                collaboration: id.to_string(),
                at: None,
                destinations: Vec::new(),
                log_index: None,
            });
        };
        let destinations: Vec<Coverage> = serde_json::from_str(&newest.destinations)
            .map_err(|error| ServiceError::internal("stored coverage", error))?;
        Ok(CoverageView {
            collaboration: id.to_string(),
            at: Some(newest.at.to_string()),
            destinations,
            log_index: Some(newest.leaf),
        })
    }
}

/// Whether a set that is sealed at `now` is counted.
pub(super) fn is_due(newest: Option<&StoredCoverage>, now: Timestamp) -> bool {
    newest.is_none_or(|newest| newest.at.checked_add(EVERY).is_ok_and(|again| again <= now))
}
