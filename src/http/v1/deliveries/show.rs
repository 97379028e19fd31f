//! `GET /v1/deliveries/{id}`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::DeliveryView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// A delivery: where it stands, without sizes.
#[utoipa::path(
    get,
    path = "/v1/deliveries/{id}",
    tag = "deliveries",
    params(("id" = String, Path, description = "The delivery.", pattern = "^[0-9a-f]{32}$", example = "a3c9e1f47b2d40868d5e6f7a8b9c0d1e")),
    responses((status = 200, description = "The delivery.", body = DeliveryView), Anywhere, Unidentified, Missing)
)]
pub async fn delivery(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
) -> Result<Json<DeliveryView>, Problem> {
    Ok(Json(api.service.delivery(&caller, &id).await?))
}
