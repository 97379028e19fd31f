//! `GET /v1/parties/{name}`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::PartyView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::{Name, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// A party: its name, role and public keys.
#[utoipa::path(
    get,
    path = "/v1/parties/{name}",
    tag = "parties",
    params(("name" = String, Path, description = "The party.", pattern = "^[a-z][a-z0-9-]{1,31}$", example = "onboarder")),
    responses((status = 200, description = "The party.", body = PartyView), Anywhere, Unidentified, Missing)
)]
pub async fn party(
    State(api): State<Api>,
    caller: Caller,
    Params(Name(name)): Params<Name>,
) -> Result<Json<PartyView>, Problem> {
    Ok(Json(api.service.party(&caller, &name).await?))
}
