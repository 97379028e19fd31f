//! `GET /v1/jobs`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::{JobView, Listing};

use crate::http::Api;
use crate::http::documented::{Anywhere, Unidentified};
use crate::http::problem::Problem;
use crate::service::Caller;

/// What the service still has to do for the caller, newest first: its own sealings, and an advertiser's matches and decisions.
#[utoipa::path(
    get,
    path = "/v1/jobs",
    tag = "jobs",
    responses((status = 200, description = "The jobs that wait or run.", body = Listing<JobView>), Anywhere, Unidentified)
)]
pub async fn jobs(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<Listing<JobView>>, Problem> {
    Ok(Json(Listing {
        items: api.service.jobs(&caller).await?,
    }))
}
