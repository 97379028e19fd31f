//! `GET /v1/collaborations/{id}`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::CollaborationView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// A collaboration as one of its two parties sees it.
#[utoipa::path(
    get,
    path = "/v1/collaborations/{id}",
    tag = "collaborations",
    params(("id" = String, Path, description = "The collaboration.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11")),
    responses((status = 200, description = "The collaboration.", body = CollaborationView), Anywhere, Unidentified, Missing)
)]
pub async fn collaboration(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
) -> Result<Json<CollaborationView>, Problem> {
    Ok(Json(api.service.collaboration(&caller, &id).await?))
}
