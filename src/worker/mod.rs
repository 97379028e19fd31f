//! The worker: leases jobs, keeps their leases alive, and calls the service to carry them out.
//!
//! Four groups of loops, so that none starves another: computing (seal, match, decide), delivering,
//! housekeeping (publish the log, sweep), and compacting. A lease lasts [`Settings::lease`] and is renewed by a
//! heartbeat; a job whose worker died is leased again when it ends, and at once if it was this
//! instance's own. A computing job is leased only when its memory is reserved ([`admission`]); a job that
//! its owner cancelled is asked to stop and cleared away, never given back. Failures are tried again with growing pauses, then given up; giving up never
//! releases anything.

mod admission;
mod lease;
mod metrics;

use std::time::Duration;

use tokio::task::JoinSet;

use admission::Door;

use crate::service::Service;
use crate::service::work::{Cancel, JobError, Outbound};
use crate::store::jobs::{JobKind, Kinds};

/// How the worker works.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Sealings, matches and decisions at a time.
    pub computing: usize,
    /// Deliveries at a time, each to another audience or destination.
    pub delivering: usize,
    /// How long a lease lasts without a heartbeat.
    pub lease: Duration,
    /// How often a lease is renewed.
    pub heartbeat: Duration,
    /// How often the queue is looked at when nothing says that there is something new.
    pub poll: Duration,
    /// How often the house is swept.
    pub sweep: Duration,
    /// Attempts of a job, before it is given up.
    pub attempts: u64,
}

impl Default for Settings {
    /// 2 computing, 4 delivering, 60 s leases, renewed every 10 s, polled every second, swept every
    /// minute, 12 attempts.
    fn default() -> Self {
        Settings {
            computing: 2,
            delivering: 4,
            lease: Duration::from_secs(60),
            heartbeat: Duration::from_secs(10),
            poll: Duration::from_secs(1),
            sweep: Duration::from_secs(60),
            attempts: 12,
        }
    }
}

const COMPUTING: Kinds = [JobKind::Seal, JobKind::Match, JobKind::Decide];
const DELIVERING: Kinds = [JobKind::Deliver; 3];
const COMPACTING: Kinds = [JobKind::Compact, JobKind::Erase, JobKind::Erase];
const HOUSEKEEPING: Kinds = [JobKind::Publish, JobKind::Publish, JobKind::Expire];

/// A running worker.
pub struct Worker {
    cancel: Cancel,
    loops: JoinSet<()>,
}

impl Worker {
    /// Takes back what an earlier life of this instance had leased, then starts the loops.
    ///
    /// # Errors
    /// When the database or the data directory cannot be used.
    pub async fn start(
        service: Service,
        outbound: Outbound,
        settings: Settings,
    ) -> Result<Worker, JobError> {
        service.recover().await?;
        metrics::describe();
        let cancel = Cancel::default();
        let mut loops = JoinSet::new();
        let groups = [
            (COMPUTING, settings.computing, Some(Door::default())),
            (DELIVERING, settings.delivering, None),
            (HOUSEKEEPING, 1, None),
            (COMPACTING, 1, Some(Door::default())),
        ];
        for (kinds, count, door) in groups {
            for _ in 0..count {
                let line = lease::Line {
                    service: service.clone(),
                    outbound: outbound.clone(),
                    settings: settings.clone(),
                    cancel: cancel.clone(),
                    kinds,
                    door: door.clone(),
                };
                loops.spawn(line.run());
            }
        }
        loops.spawn(sweep(service, settings.sweep, cancel.clone()));
        Ok(Worker { cancel, loops })
    }

    /// Stops: running jobs are asked to end and given back; after `grace` they are left to the next
    /// start, which takes them back.
    pub async fn stop(mut self, grace: Duration) {
        self.cancel.cancel();
        let all = async { while self.loops.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all).await.is_err() {
            tracing::warn!("jobs did not stop in time: the next start takes them back");
            self.loops.abort_all();
        }
    }
}

async fn sweep(service: Service, every: Duration, cancel: Cancel) {
    while !cancel.is_cancelled() {
        if let Err(error) = service.queue_sweep().await {
            tracing::error!(%error, "the sweep cannot be queued");
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = cancel.cancelled() => {}
        }
    }
}
