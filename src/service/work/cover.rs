//! Counting a graph that was just sealed: which share of its persons has a cookie where.
//!
//! The counts pass the gate one by one; what is told are whole percent of released numbers. Noise is
//! drawn before the transaction that seals, and seen only if that commits.

use tamis_protocols::release::{Decision, Policy};
use tamis_protocols::transparency::Event;
use tamis_protocols::wire::api::Coverage;

use super::{Held, JobError};
use crate::service::Service;
use crate::service::record::OPERATOR;
use crate::sets::{self, SealedSet};
use crate::store::Tx;
use crate::store::coverages::StoredCoverage;
use crate::store::uploads::Upload;

/// What is to be counted of a graph, and by which policy.
#[derive(Clone)]
pub(super) struct Count {
    /// Destinations of the terms, ascending.
    pub destinations: Vec<String>,
    pub policy: Policy,
}

/// What may be told, and by which policy.
pub(super) struct Reached {
    pub destinations: Vec<Coverage>,
    pub policy: Policy,
}

impl Service {
    /// Counts a set on today.
    pub(super) fn count_reach(
        &self,
        set: &SealedSet,
        count: Count,
        held: &Held,
    ) -> Result<Reached, JobError> {
        let Count {
            destinations,
            policy,
        } = count;
        let names: Vec<&str> = destinations.iter().map(String::as_str).collect();
        // Withdrawn people count until the partner removes them.
        let reach = sets::reach(set, &names, self.today(), &[], held.cancel.flag())
            .map_err(|error| JobError::failed("coverage", error))?
            .ok_or(JobError::Cancelled)?;
        let decide = |persons: &tamis_protocols::intersection::PersonSet| {
            policy.count(&persons.cardinality(), &*self.0.parts.noise)
        };
        let all = decide(&reach.persons);
        let shares = reach.at.iter().map(|persons| share(decide(persons), all));
        let told = destinations.iter().zip(shares);
        Ok(Reached {
            destinations: told
                .map(|(destination, percent)| Coverage {
                    destination: destination.clone(),
                    percent,
                })
                .collect(),
            policy,
        })
    }

    /// Records what was counted of an upload, in the transaction that seals it.
    pub(super) async fn tell(
        &self,
        tx: &mut Tx,
        upload: &Upload,
        counted: &Reached,
    ) -> Result<(), JobError> {
        let now = self.now();
        let found = tx.collaboration(upload.collaboration).await?;
        let found = found.ok_or_else(|| JobError::gone("the collaboration"))?;
        if self.effective_policy(tx, &found).await? != counted.policy {
            // Somebody tightened meanwhile: what was drawn is never seen, and the next graph is counted.
            return Ok(());
        }
        let event = Event::Coverage {
            collaboration: upload.collaboration.to_string(),
            upload: upload.id.to_string(),
            destinations: counted.destinations.clone(),
        };
        let policy = Some(&counted.policy);
        let leaf = self.record(tx, now, OPERATOR, event, policy).await?;
        let json = serde_json::to_string(&counted.destinations)
            .map_err(|error| JobError::failed("coverage", error))?;
        let new = StoredCoverage {
            upload: upload.id,
            collaboration: upload.collaboration,
            destinations: json,
            at: now,
            leaf,
        };
        Ok(tx.add_coverage(&new).await?)
    }
}

/// Whole percent, rounded down; none if either number is below the minimum. Noise may make more of the
/// part than of the whole: that is all of it.
fn share(part: Decision, whole: Decision) -> Option<u8> {
    let percent = part.about()?.saturating_mul(100) / whole.about()?.max(1);
    Some(percent.min(100) as u8)
}
