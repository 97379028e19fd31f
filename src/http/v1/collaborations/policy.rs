//! `GET /v1/collaborations/{id}/policy`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::AgreedPolicyView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// The release policy that holds in a collaboration, and every document that it follows from.
#[utoipa::path(
    get,
    path = "/v1/collaborations/{id}/policy",
    tag = "collaborations",
    params(("id" = String, Path, description = "The collaboration.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11")),
    responses((status = 200, description = "What holds, and who said so.", body = AgreedPolicyView), Anywhere, Unidentified, Missing)
)]
pub async fn agreed_policy(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
) -> Result<Json<AgreedPolicyView>, Problem> {
    Ok(Json(api.service.agreed_policy(&caller, &id).await?))
}
