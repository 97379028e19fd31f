//! `OPTIONS /v1/uploads`: what this service knows of tus.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

use crate::http::Api;
use crate::http::documented::{Anywhere, Unidentified};
use crate::http::tus;
use crate::service::Caller;

/// The versions, extensions and limits of resumable uploads.
#[utoipa::path(
    options,
    path = "/v1/uploads",
    tag = "uploads",
    responses(
        (
            status = 204,
            description = "The abilities stand in the headers.",
            headers(
                ("Tus-Resumable" = String, description = "`1.0.0`"),
                ("Tus-Version" = String, description = "`1.0.0`"),
                ("Tus-Extension" = String, description = "`creation,checksum,expiration,termination`"),
                ("Tus-Checksum-Algorithm" = String, description = "`sha1,sha256`"),
                ("Tus-Max-Size" = u64, description = "Longest upload in bytes")
            )
        ),
        Anywhere, Unidentified
    )
)]
pub async fn upload_options(State(api): State<Api>, _caller: Caller) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(tus::TUS_VERSION, HeaderValue::from_static(tus::VERSION));
    headers.insert(
        tus::TUS_EXTENSION,
        HeaderValue::from_static(tus::EXTENSIONS),
    );
    headers.insert(
        tus::TUS_CHECKSUM_ALGORITHM,
        HeaderValue::from_static(tus::ALGORITHMS),
    );
    headers.insert(
        tus::TUS_MAX_SIZE,
        HeaderValue::from(api.uploads.rules.max_bytes),
    );
    tus::answer(StatusCode::NO_CONTENT, headers)
}
