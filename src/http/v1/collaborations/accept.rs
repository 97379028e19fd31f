//! `POST /v1/collaborations/{id}/acceptance`.

use axum::Json as Answer;
use axum::extract::State;
use tamis_protocols::wire::api::{AcceptanceRequest, CollaborationView};

use crate::http::Api;
use crate::http::documented::{Anywhere, BadBody, Conflicting, Missing, Unidentified};
use crate::http::extract::{Id, Json, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// Accepts a proposal: the partner signs the same bytes and seals its own share to the advertiser.
#[utoipa::path(
    post,
    path = "/v1/collaborations/{id}/acceptance",
    tag = "collaborations",
    params(("id" = String, Path, description = "The collaboration.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11")),
    request_body(content = AcceptanceRequest, description = "The signature over the same terms, and the sealed share.", example = json!({"signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", "sealed_share": "c2VhbGVkIHNoYXJl"})),
    responses((status = 200, description = "The collaboration, active.", body = CollaborationView), Anywhere, Unidentified, Missing, BadBody, Conflicting)
)]
pub async fn accept(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
    Json(request): Json<AcceptanceRequest>,
) -> Result<Answer<CollaborationView>, Problem> {
    let view = api.service.accept(&caller, &id, request).await?;
    Ok(Answer(view))
}
