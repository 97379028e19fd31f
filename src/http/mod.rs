//! The HTTPS API: what parties, destinations and auditors talk to.
//!
//! Flow of a request: `server` (TLS, connection limits) → `trace` (id, headers, metrics) → `limits`
//! (place, deadline) → `problem` (errors as RFC 9457) → the endpoint, which takes a `Caller` from
//! `caller` and hands over to the service. Everybody sees only their own resources; what belongs to
//! another party and what does not exist are one answer. The OpenAPI document at `/openapi.json` is
//! derived from the endpoints' own annotations.

pub mod caller;
pub mod documented;
pub mod extract;
pub mod health;
pub mod limits;
pub mod metrics;
pub mod openapi;
pub mod patience;
pub mod problem;
pub mod routes;
pub mod server;
pub mod tls;
pub mod trace;
pub mod tus;
pub mod v1;

use std::sync::Arc;

use tamis_keys::Entropy;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::clock::Clock;
use crate::service::Service;
use limits::Limits;
use tus::UploadRules;

/// What the endpoints share. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    /// The use cases.
    pub service: Service,
    /// The time that certificates are held to.
    pub clock: Arc<dyn Clock>,
    /// Where request ids come from.
    pub entropy: Arc<dyn Entropy>,
    /// Bounds on requests.
    pub limits: Arc<Limits>,
    /// Uploads in progress.
    pub uploads: Uploads,
    /// The OpenAPI document.
    document: Arc<serde_json::Value>,
}

/// Uploads in progress: they outlive their connection until what arrived is stored.
#[derive(Clone)]
pub struct Uploads {
    /// Bounds of uploads.
    pub rules: UploadRules,
    /// Ends the reading of bodies; what arrived is stored.
    pub stop: CancellationToken,
    /// To wait for them at the end.
    pub running: TaskTracker,
}

impl Api {
    /// Puts the parts together.
    pub fn new(
        service: Service,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        limits: Limits,
        rules: UploadRules,
        stop: CancellationToken,
    ) -> Self {
        let document = serde_json::to_value(openapi::document()).unwrap_or_default();
        Api {
            service,
            clock,
            entropy,
            limits: Arc::new(limits),
            uploads: Uploads {
                rules,
                stop,
                running: TaskTracker::new(),
            },
            document: Arc::new(document),
        }
    }
}
