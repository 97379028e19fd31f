//! `GET /v1/collaborations/{id}/audiences/{name}`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::AudienceView;

use super::AudiencePath;
use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::Params;
use crate::http::problem::Problem;
use crate::service::Caller;

/// An audience and where it stands at each destination.
#[utoipa::path(
    get,
    path = "/v1/collaborations/{id}/audiences/{name}",
    tag = "audiences",
    params(("id" = String, Path, description = "The collaboration.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11"), ("name" = String, Path, description = "The audience.", pattern = "^[a-z][a-z0-9-]{0,63}$", example = "loyal")),
    responses((status = 200, description = "The audience. Its sizes have passed the release gate.", body = AudienceView), Anywhere, Unidentified, Missing)
)]
pub async fn audience(
    State(api): State<Api>,
    caller: Caller,
    Params(path): Params<AudiencePath>,
) -> Result<Json<AudienceView>, Problem> {
    Ok(Json(
        api.service
            .audience(&caller, &path.id.0, &path.name.0)
            .await?,
    ))
}
