//! `GET /v1/uploads/{id}`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::UploadView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// An upload as its owner sees it, with the report on its rows once sealed.
#[utoipa::path(
    get,
    path = "/v1/uploads/{id}",
    tag = "uploads",
    params(("id" = String, Path, description = "The upload.", pattern = "^[0-9a-f]{32}$", example = "a3c9e1f47b2d40868d5e6f7a8b9c0d1e")),
    responses((status = 200, description = "The upload.", body = UploadView), Anywhere, Unidentified, Missing)
)]
pub async fn upload(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
) -> Result<Json<UploadView>, Problem> {
    Ok(Json(api.service.upload(&caller, &id).await?))
}
