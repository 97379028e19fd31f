//! `GET /v1/audit/documents/{from}`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::DocumentsView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::Params;
use crate::http::problem::Problem;
use crate::service::Caller;

/// The documents behind the log's leaves, for auditors: signed terms and tightenings, public keys, policies,
/// and the numbers of records that uploads bind. A page is 256 leaves.
#[utoipa::path(
    get,
    path = "/v1/audit/documents/{from}",
    tag = "audit",
    params(("from" = u64, Path, description = "The first leaf of the page.", example = 0)),
    responses((status = 200, description = "The documents of these leaves.", body = DocumentsView), Anywhere, Unidentified, Missing)
)]
pub async fn audit_documents(
    State(api): State<Api>,
    caller: Caller,
    Params(from): Params<u64>,
) -> Result<Json<DocumentsView>, Problem> {
    Ok(Json(api.service.audit_documents(&caller, from).await?))
}
