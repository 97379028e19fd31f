//! `GET /v1/collaborations/{id}/deliveries`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::{DeliveryView, Listing};

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// The deliveries of a collaboration.
#[utoipa::path(
    get,
    path = "/v1/collaborations/{id}/deliveries",
    tag = "deliveries",
    params(("id" = String, Path, description = "The collaboration.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11")),
    responses((status = 200, description = "The deliveries, newest first.", body = Listing<DeliveryView>), Anywhere, Unidentified, Missing)
)]
pub async fn deliveries(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
) -> Result<Json<Listing<DeliveryView>>, Problem> {
    Ok(Json(Listing {
        items: api.service.deliveries(&caller, &id).await?,
    }))
}
