//! Claims about the use cases and their jobs, on a small world: a real database, real sealed sets, the
//! real engine; time stands still until told, randomness has a seed, destinations are in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admission;
mod alike;
mod appending;
mod budget;
mod cancelling;
mod checking;
mod compaction;
mod coverage;
mod crashes;
mod deliveries;
mod deltas;
mod destination;
mod dictionary;
mod enrolment;
mod gate;
mod heavy;
mod instance;
mod jobs;
mod policy;
mod population;
mod scoping;
mod spending;
mod terms;
mod withdrawals;
mod world;

use destination::{Answer, Destinations};
use population::{Person, crm, delta, graph};
use world::World;
