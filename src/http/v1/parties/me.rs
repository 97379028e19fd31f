//! `GET /v1/me`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::PartyView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Unidentified};
use crate::http::problem::Problem;
use crate::service::Caller;

/// The calling party itself.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "parties",
    responses((status = 200, description = "The caller as others see it.", body = PartyView), Anywhere, Unidentified)
)]
pub async fn me(State(api): State<Api>, caller: Caller) -> Result<Json<PartyView>, Problem> {
    Ok(Json(api.service.me(&caller).await?))
}
