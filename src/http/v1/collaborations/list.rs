//! `GET /v1/collaborations`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::{CollaborationView, Listing};

use crate::http::Api;
use crate::http::documented::{Anywhere, Unidentified};
use crate::http::problem::Problem;
use crate::service::Caller;

/// The caller's collaborations, newest first.
#[utoipa::path(
    get,
    path = "/v1/collaborations",
    tag = "collaborations",
    responses((status = 200, description = "Collaborations in which the caller is the advertiser or the partner.", body = Listing<CollaborationView>), Anywhere, Unidentified)
)]
pub async fn collaborations(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<Listing<CollaborationView>>, Problem> {
    Ok(Json(Listing {
        items: api.service.collaborations(&caller).await?,
    }))
}
