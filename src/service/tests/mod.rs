//! Claims about the use cases and their jobs, on a small world: a real database, real sealed sets, the
//! real engine; time stands still until told, randomness has a seed, destinations are in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admission;
mod agreeing;
mod alike;
mod appending;
mod asking;
mod audit;
mod bridging;
mod budget;
mod bystanders;
mod cancelling;
mod charging;
mod checking;
mod compaction;
mod completeness;
mod coverage;
mod crashes;
mod deliveries;
mod deltas;
mod destination;
mod destroying;
mod dictionary;
mod differing;
mod enrolment;
mod gate;
mod heavy;
mod history;
mod holdout;
mod instance;
mod jobs;
mod kept;
mod ledger;
mod policy;
mod population;
mod quarantine;
mod recipients;
mod removing;
mod requests;
mod residency;
mod scoping;
mod spending;
mod subject;
mod terms;
mod together;
mod windows;
mod withdrawals;
mod witnesses;
mod world;

use super::ServiceError;
use destination::{Answer, Destinations};
use population::{Person, crm, delta, graph};
use world::World;

/// The code that a caller is answered with; nothing if it is the service that failed.
fn code(error: &ServiceError) -> &'static str {
    match error {
        ServiceError::Invalid { code, .. } | ServiceError::Conflict { code, .. } => code,
        ServiceError::NotFound => "not_found",
        _ => "",
    }
}
