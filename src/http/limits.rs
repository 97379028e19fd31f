//! Every bound of the HTTP side in one place, and the middleware that holds requests to them.
//!
//! Memory of this room is bounded by `connections` × (`header_bytes` + an HTTP/2 window) plus
//! `requests` × the largest body limit; an upload in progress holds one frame at a time.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::problem::Problem;

/// Bounds on connections and requests. All durations are whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Open connections; further ones wait in the kernel's queue.
    pub connections: usize,
    /// Seconds for a TLS handshake.
    pub handshake_seconds: u64,
    /// Seconds for the whole head of an HTTP/1 request, also the longest idle time between two.
    pub header_seconds: u64,
    /// Bytes of a request's head.
    pub header_bytes: u32,
    /// Seconds in which a peer must take some of the bytes it asked for.
    pub write_seconds: u64,
    /// Seconds that a connection may stay open without a request.
    pub idle_seconds: u64,
    /// Concurrent streams of one HTTP/2 connection.
    pub streams: u32,
    /// Streams that a peer may reset before it is cut off (rapid reset, CVE-2023-44487).
    pub reset_streams: usize,
    /// Requests in progress, uploads apart; one more is answered 503.
    pub requests: usize,
    /// Uploads in progress.
    pub uploads: usize,
    /// Seconds for a whole request, uploads apart.
    pub request_seconds: u64,
    /// Bytes of a JSON body.
    pub body_bytes: usize,
    /// Bytes of a withdrawal, which may carry 50,000 tokens.
    pub withdrawal_bytes: usize,
    /// Seconds between two pieces of an upload.
    pub upload_idle_seconds: u64,
    /// Mean bytes per second of an upload, once it has run for `upload_idle_seconds`.
    pub upload_rate: u64,
    /// Seconds for open requests to finish after a stop is asked for.
    pub drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 256,
            handshake_seconds: 10,
            header_seconds: 30,
            header_bytes: 16 * 1024,
            write_seconds: 30,
            idle_seconds: 60,
            streams: 64,
            reset_streams: 32,
            requests: 128,
            uploads: 32,
            request_seconds: 30,
            body_bytes: 256 * 1024,
            withdrawal_bytes: 4 * 1024 * 1024,
            upload_idle_seconds: 30,
            upload_rate: 4 * 1024,
            drain_seconds: 10,
        }
    }
}

/// Places for requests in progress.
#[derive(Clone)]
pub struct Gate {
    requests: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    deadline: Duration,
}

impl Gate {
    /// As many places as `limits` say.
    pub fn new(limits: &Limits) -> Self {
        Gate {
            requests: Arc::new(Semaphore::new(limits.requests)),
            uploads: Arc::new(Semaphore::new(limits.uploads)),
            deadline: Duration::from_secs(limits.request_seconds),
        }
    }
}

/// Middleware: takes a place or answers 503, and ends a request at its deadline.
/// `PATCH` carries an upload's bytes: it may last, and is held to a rate instead (see `tus::receive`).
pub async fn hold(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    if request.uri().path() == "/healthz" {
        // Whoever asks whether the process lives must not take fullness for death.
        return next.run(request).await;
    }
    let is_upload = request.method() == Method::PATCH;
    let places = if is_upload {
        &gate.uploads
    } else {
        &gate.requests
    };
    let Ok(_place) = places.try_acquire() else {
        return Problem::busy().into_response();
    };
    if is_upload {
        return next.run(request).await;
    }
    match tokio::time::timeout(gate.deadline, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::deadline().into_response(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    fn slow(gate: Gate, duration: u64) -> Router {
        let handler = move || tokio::time::sleep(Duration::from_millis(duration));
        Router::new()
            .route("/", get(handler).patch(handler))
            .layer(from_fn_with_state(gate, hold))
    }

    fn gate(requests: usize, deadline: u64) -> Gate {
        let limits = Limits {
            requests,
            ..Limits::default()
        };
        Gate {
            deadline: Duration::from_millis(deadline),
            ..Gate::new(&limits)
        }
    }

    async fn status(router: &Router, method: &str) -> u16 {
        let request = Request::builder().method(method).uri("/");
        let request = request.body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        response.status().as_u16()
    }

    #[tokio::test]
    async fn a_request_ends_at_its_deadline_but_an_upload_does_not() {
        let router = slow(gate(9, 20), 100);
        assert_eq!(status(&router, "GET").await, 503);
        assert_eq!(status(&router, "PATCH").await, 200);
    }

    #[tokio::test]
    async fn one_request_too_many_is_refused_at_once() {
        let router = slow(gate(2, 10_000), 50);
        let (a, b, c) = tokio::join!(
            status(&router, "GET"),
            status(&router, "GET"),
            status(&router, "GET")
        );
        assert_eq!([a, b, c], [200, 200, 503]);
        assert_eq!(status(&router, "GET").await, 200);
    }
}
