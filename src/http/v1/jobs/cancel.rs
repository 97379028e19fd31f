//! `DELETE /v1/jobs/{id}`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tamis_protocols::wire::api::JobView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// Cancels a job, for good: the upload is terminated, the match fails, everything that waits for a decision fails.
#[utoipa::path(
    delete,
    path = "/v1/jobs/{id}",
    tag = "jobs",
    params(("id" = String, Path, description = "The job.", pattern = "^[0-9a-f]{32}$", example = "a3c9e1f47b2d40868d5e6f7a8b9c0d1e")),
    responses(
        (status = 202, description = "It runs and was asked to stop; nothing comes of it any more.", body = JobView),
        (status = 204, description = "It waited, and is gone."),
        Anywhere, Unidentified, Missing
    )
)]
pub async fn cancel_job(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
) -> Result<Response, Problem> {
    Ok(match api.service.cancel_job(&caller, &id).await? {
        Some(stopping) => (StatusCode::ACCEPTED, Json(stopping)).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}
