//! `GET /v1/collaborations/{id}/audiences`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::{AudienceView, Listing};

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// The audiences of a collaboration.
#[utoipa::path(
    get,
    path = "/v1/collaborations/{id}/audiences",
    tag = "audiences",
    params(("id" = String, Path, description = "The collaboration.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11")),
    responses((status = 200, description = "The audiences, newest first.", body = Listing<AudienceView>), Anywhere, Unidentified, Missing)
)]
pub async fn audiences(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
) -> Result<Json<Listing<AudienceView>>, Problem> {
    Ok(Json(Listing {
        items: api.service.audiences(&caller, &id).await?,
    }))
}
