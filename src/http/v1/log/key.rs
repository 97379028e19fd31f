//! `GET /v1/log/key`.

use axum::extract::State;

use crate::http::Api;
use crate::http::documented::{Anywhere, Unidentified};
use crate::service::Caller;

/// The log's verifier key, for every enrolled party.
#[utoipa::path(
    get,
    path = "/v1/log/key",
    tag = "log",
    responses(
        (
            status = 200,
            description = "A signed-note verifier key line.",
            body = String,
            content_type = "text/plain",
            example = "tamis.example+0f1e2d3c+AQID…"
        ),
        Anywhere, Unidentified
    )
)]
pub async fn log_key(State(api): State<Api>, _caller: Caller) -> String {
    api.service.log_key()
}
