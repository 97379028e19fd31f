//! `GET /v1/matches/{id}`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::MatchView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// A match: pending, done with a released count, or failed.
#[utoipa::path(
    get,
    path = "/v1/matches/{id}",
    tag = "matches",
    params(("id" = String, Path, description = "The match.", pattern = "^[0-9a-f]{32}$", example = "a3c9e1f47b2d40868d5e6f7a8b9c0d1e")),
    responses((status = 200, description = "The match. Its count has passed the release gate: noised, rounded, or withheld.", body = MatchView), Anywhere, Unidentified, Missing)
)]
pub async fn show_match(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
) -> Result<Json<MatchView>, Problem> {
    Ok(Json(api.service.match_(&caller, &id).await?))
}
