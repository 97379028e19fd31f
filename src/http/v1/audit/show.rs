//! `GET /v1/audit/samples/{id}`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::SampleView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// One sample: to its auditor with everything that was answered, to a party with what it has to substantiate.
#[utoipa::path(
    get,
    path = "/v1/audit/samples/{id}",
    tag = "audit",
    params(("id" = String, Path, description = "The sample.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11")),
    responses((status = 200, description = "The sample.", body = SampleView), Anywhere, Unidentified, Missing)
)]
pub async fn sample(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
) -> Result<Json<SampleView>, Problem> {
    Ok(Json(api.service.sample(&caller, &id).await?))
}
