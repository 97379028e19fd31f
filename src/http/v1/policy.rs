//! `GET /v1/policy`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::PolicyView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Unidentified};
use crate::http::problem::Problem;
use crate::service::Caller;

/// The operator's release policy: the floor of all terms.
#[utoipa::path(
    get,
    path = "/v1/policy",
    tag = "collaborations",
    responses((status = 200, description = "The policy; terms may be stricter, never looser.", body = PolicyView), Anywhere, Unidentified)
)]
pub async fn policy(State(api): State<Api>, _caller: Caller) -> Result<Json<PolicyView>, Problem> {
    Ok(Json(api.service.operator_policy()))
}
