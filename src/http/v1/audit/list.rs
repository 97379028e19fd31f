//! `GET /v1/audit/samples`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::{Listing, SampleView};

use crate::http::Api;
use crate::http::documented::{Anywhere, Unidentified};
use crate::http::problem::Problem;
use crate::service::Caller;

/// Samples: an auditor's own; a party's are those that drew records of its uploads.
#[utoipa::path(
    get,
    path = "/v1/audit/samples",
    tag = "audit",
    responses((status = 200, description = "The samples.", body = Listing<SampleView>), Anywhere, Unidentified)
)]
pub async fn samples(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<Listing<SampleView>>, Problem> {
    Ok(Json(api.service.samples(&caller).await?))
}
