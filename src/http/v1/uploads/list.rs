//! `GET /v1/uploads`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::{Listing, UploadView};

use crate::http::Api;
use crate::http::documented::{Anywhere, Unidentified};
use crate::http::problem::Problem;
use crate::service::Caller;

/// The caller's uploads, newest first.
#[utoipa::path(
    get,
    path = "/v1/uploads",
    tag = "uploads",
    responses((status = 200, description = "The uploads.", body = Listing<UploadView>), Anywhere, Unidentified)
)]
pub async fn uploads(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<Listing<UploadView>>, Problem> {
    Ok(Json(Listing {
        items: api.service.uploads(&caller).await?,
    }))
}
