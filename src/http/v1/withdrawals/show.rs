//! `GET /v1/withdrawals/{id}`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::WithdrawalView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// A withdrawal and how far every destination is with it.
#[utoipa::path(
    get,
    path = "/v1/withdrawals/{id}",
    tag = "withdrawals",
    params(("id" = String, Path, description = "The withdrawal.", pattern = "^[0-9a-f]{32}$", example = "a3c9e1f47b2d40868d5e6f7a8b9c0d1e")),
    responses((status = 200, description = "The withdrawal.", body = WithdrawalView), Anywhere, Unidentified, Missing)
)]
pub async fn withdrawal(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
) -> Result<Json<WithdrawalView>, Problem> {
    Ok(Json(api.service.withdrawal(&caller, &id).await?))
}
