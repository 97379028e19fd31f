//! `DELETE /v1/uploads/{id}`: tus termination.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::http::Api;
use crate::http::documented::{Anywhere, Conflicting, Missing, OtherVersion, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::http::tus::{self, Resumable};
use crate::service::Caller;

/// Ends an upload; its bytes are removed.
#[utoipa::path(
    delete,
    path = "/v1/uploads/{id}",
    tag = "uploads",
    params(("id" = String, Path, description = "The upload.", pattern = "^[0-9a-f]{32}$", example = "a3c9e1f47b2d40868d5e6f7a8b9c0d1e"), ("Tus-Resumable" = String, Header, description = "`1.0.0`", pattern = "^1\\.0\\.0$", example = "1.0.0")),
    responses(
        (status = 204, description = "The upload is ended.", headers(("Tus-Resumable" = String, description = "`1.0.0`"))),
        Anywhere, Unidentified, Missing, OtherVersion, Conflicting
    )
)]
pub async fn terminate_upload(
    State(api): State<Api>,
    caller: Caller,
    _: Resumable,
    Params(Id(id)): Params<Id>,
) -> Result<Response, Problem> {
    api.service.terminate_upload(&caller, &id).await?;
    Ok(tus::answer(StatusCode::NO_CONTENT, HeaderMap::new()))
}
