//! `GET /v1/collaborations/{id}/coverage`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::CoverageView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// Which share of the partner's persons has a live cookie at each destination: released once for a sealed
/// graph, at most once a week. It says nothing of the advertiser's rows, and costs no budget.
#[utoipa::path(
    get,
    path = "/v1/collaborations/{id}/coverage",
    tag = "collaborations",
    params(("id" = String, Path, description = "The collaboration.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11")),
    responses((status = 200, description = "The newest release; no destinations before the partner has uploaded.", body = CoverageView), Anywhere, Unidentified, Missing)
)]
pub async fn coverage(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
) -> Result<Json<CoverageView>, Problem> {
    Ok(Json(api.service.coverage(&caller, &id).await?))
}
