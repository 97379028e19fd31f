//! `GET /v1/jobs/{id}`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::JobView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// A job that waits or runs. One that has ended is no longer there: its subject says what became of it.
#[utoipa::path(
    get,
    path = "/v1/jobs/{id}",
    tag = "jobs",
    params(("id" = String, Path, description = "The job.", pattern = "^[0-9a-f]{32}$", example = "a3c9e1f47b2d40868d5e6f7a8b9c0d1e")),
    responses((status = 200, description = "The job.", body = JobView), Anywhere, Unidentified, Missing)
)]
pub async fn job(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
) -> Result<Json<JobView>, Problem> {
    Ok(Json(api.service.job(&caller, &id).await?))
}
