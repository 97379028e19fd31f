//! Prometheus metrics, on a plain listener of their own that the outside cannot reach.
//!
//! Labels come from closed sets: route templates, methods, statuses, job kinds. No party, no id, and no
//! count of rows or persons is ever a metric. The worker and the store name and keep their own.

use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::routing::get;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Gauge of requests in progress.
pub const IN_FLIGHT: &str = "tamis_http_requests_in_flight";
/// Counter of answers, labels `route`, `method`, `status`.
pub const REQUESTS: &str = "tamis_http_requests_total";
/// Histogram of seconds per request, label `route`.
pub const DURATION: &str = "tamis_http_request_seconds";
/// Counter of bytes that uploads appended.
pub const UPLOAD_BYTES: &str = "tamis_upload_bytes_total";
/// Gauge of open TLS connections.
pub const CONNECTIONS: &str = "tamis_http_connections";

/// Installs the process-wide recorder once; later calls give the same handle.
/// `None` if another recorder is already installed.
pub fn install() -> Option<PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let buckets = [0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0];
            let recorder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &buckets)
                .ok()?
                .build_recorder();
            let handle = recorder.handle();
            metrics::set_global_recorder(recorder).ok()?;
            describe_gauge!(IN_FLIGHT, "Requests in progress");
            describe_gauge!(CONNECTIONS, "Open TLS connections");
            describe_counter!(REQUESTS, "Answers by route, method and status");
            describe_histogram!(DURATION, "Seconds per request, by route");
            describe_counter!(UPLOAD_BYTES, "Bytes appended to uploads");
            Some(handle)
        })
        .clone()
}

/// Serves `GET /metrics` on `listener` until `stop`.
pub async fn serve(
    listener: TcpListener,
    handle: PrometheusHandle,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let answer = move || {
        handle.run_upkeep();
        let text = handle.render();
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        headers.insert(CONTENT_TYPE, kind);
        std::future::ready((headers, text))
    };
    let router = Router::new().route("/metrics", get(answer));
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}

/// The method as a label; methods nobody defined share one.
pub fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// One request in progress, for as long as it lives.
pub struct InFlight;

impl InFlight {
    /// Counts one in.
    pub fn enter() -> Self {
        gauge!(IN_FLIGHT).increment(1);
        InFlight
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!(IN_FLIGHT).decrement(1);
    }
}

/// One open connection, for as long as it lives.
pub struct OpenConnection;

impl OpenConnection {
    /// Counts one in.
    pub fn enter() -> Self {
        gauge!(CONNECTIONS).increment(1);
        OpenConnection
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        gauge!(CONNECTIONS).decrement(1);
    }
}

/// Counts an answer. `route` is a template, never a path.
pub fn answered(route: &str, method: &'static str, status: u16, took: Duration) {
    let route = route.to_owned();
    counter!(REQUESTS, "route" => route.clone(), "method" => method, "status" => status.to_string())
        .increment(1);
    histogram!(DURATION, "route" => route).record(took);
}

/// Counts bytes of uploads.
pub fn uploaded(bytes: u64) {
    counter!(UPLOAD_BYTES).increment(bytes);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn an_invented_method_does_not_become_a_label() {
        let invented = Method::from_bytes(b"ANN").unwrap();
        assert_eq!(method_label(&invented), "other");
    }

    #[test]
    fn the_text_names_routes_as_templates() {
        let handle = install().unwrap();
        answered("/v1/uploads/{id}", "GET", 200, Duration::from_millis(3));
        let text = handle.render();
        assert!(text.contains(r#"route="/v1/uploads/{id}""#), "{text}");
        assert!(text.contains("tamis_http_request_seconds_bucket"), "{text}");
    }
}
