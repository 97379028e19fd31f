//! `POST /v1/collaborations/{id}/matches`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use tamis_protocols::wire::api::MatchView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Conflicting, Missing, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// Matches the newest sealed uploads of both sides, in the background.
#[utoipa::path(
    post,
    path = "/v1/collaborations/{id}/matches",
    tag = "matches",
    params(("id" = String, Path, description = "The collaboration.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11")),
    responses(
        (status = 202, description = "The match, pending.", body = MatchView),
        Anywhere, Unidentified, Missing, Conflicting
    )
)]
pub async fn start_match(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
) -> Result<(StatusCode, Json<MatchView>), Problem> {
    let view = api.service.start_match(&caller, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(view)))
}
