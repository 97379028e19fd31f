//! One span and one line per request, and the headers that every answer carries.
//!
//! The line has method, route template, status and duration: no address, no certificate, no id, no
//! name. The request id is random, goes back to the caller as `x-request-id`, and is how the operator
//! finds the line.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tamis_keys::Entropy;
use tracing::Instrument;

use super::metrics;

/// Where an answer's request id stands.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Middleware: counts, times and traces a request, and completes the answer's headers.
pub async fn follow(
    State(entropy): State<Arc<dyn Entropy>>,
    request: Request,
    next: Next,
) -> Response {
    let mut id = [0; 8];
    entropy.fill(&mut id);
    let id = hex::encode(id);
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    // An unknown method is the caller's text: it must not become a label.
    let method = metrics::method_label(request.method());
    let span = tracing::info_span!("request", id, method, route);
    let begun = Instant::now();
    let in_flight = metrics::InFlight::enter();
    let mut response = next.run(request).instrument(span.clone()).await;
    drop(in_flight);
    let status = response.status().as_u16();
    metrics::answered(&route, method, status, begun.elapsed());
    let milliseconds = begun.elapsed().as_millis() as u64;
    span.in_scope(|| tracing::info!(status, milliseconds, "answered"));
    complete(response.headers_mut());
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn complete(headers: &mut HeaderMap) {
    for (name, value) in [
        (
            STRICT_TRANSPORT_SECURITY,
            "max-age=63072000; includeSubDomains",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
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

    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, out: &mut [u8]) {
            out.fill(7);
        }
    }

    #[tokio::test]
    async fn every_answer_carries_the_security_headers_and_a_request_id() {
        let entropy: Arc<dyn Entropy> = Arc::new(Counting);
        let router = Router::new()
            .route("/", get(|| async {}))
            .layer(from_fn_with_state(entropy, follow));
        for path in ["/", "/missing"] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            let headers = response.headers();
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert_eq!(headers["cache-control"], "no-store");
            assert!(headers.contains_key("strict-transport-security"));
            assert_eq!(headers["x-request-id"], "0707070707070707");
        }
    }
}
