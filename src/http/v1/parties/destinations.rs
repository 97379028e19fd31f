//! `GET /v1/destinations`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::{Listing, PartyView};

use crate::http::Api;
use crate::http::documented::{Anywhere, Unidentified};
use crate::http::problem::Problem;
use crate::service::Caller;

/// The destinations that terms can name.
#[utoipa::path(
    get,
    path = "/v1/destinations",
    tag = "parties",
    responses((status = 200, description = "Every enrolled destination.", body = Listing<PartyView>), Anywhere, Unidentified)
)]
pub async fn destinations(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<Listing<PartyView>>, Problem> {
    Ok(Json(Listing {
        items: api.service.destinations(&caller).await?,
    }))
}
