//! `GET /v1/collaborations/{id}/budget`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::BudgetView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// The privacy budget of a collaboration: what is left, what a question costs, what comes back when. The
/// partner also sees its account with all advertisers.
#[utoipa::path(
    get,
    path = "/v1/collaborations/{id}/budget",
    tag = "collaborations",
    params(("id" = String, Path, description = "The collaboration.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11")),
    responses((status = 200, description = "The accounts, in thousandths of ε.", body = BudgetView), Anywhere, Unidentified, Missing)
)]
pub async fn budget(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
) -> Result<Json<BudgetView>, Problem> {
    Ok(Json(api.service.budget(&caller, &id).await?))
}
