//! `GET /v1/audit/report`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::ConsentReportView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::problem::Problem;
use crate::service::Caller;

/// What the consent records of all uploads say, in counts, for auditors. Small cells are withheld.
#[utoipa::path(
    get,
    path = "/v1/audit/report",
    tag = "audit",
    responses((status = 200, description = "Counts upload by upload.", body = ConsentReportView), Anywhere, Unidentified, Missing)
)]
pub async fn consent_report(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<ConsentReportView>, Problem> {
    Ok(Json(api.service.consent_report(&caller).await?))
}
