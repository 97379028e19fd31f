//! `POST /v1/collaborations/{id}/consent`.

use axum::Json as Answer;
use axum::extract::State;
use tamis_protocols::wire::api::{RecordsRequest, RecordsView};

use crate::http::Api;
use crate::http::documented::{Anywhere, BadBody, Missing, Unidentified};
use crate::http::extract::{Id, Json, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// The caller's own consent records of people, found by their tokens, each with its proof. Whether the
/// other side knows a token plays no part.
#[utoipa::path(
    post,
    path = "/v1/collaborations/{id}/consent",
    tag = "collaborations",
    params(("id" = String, Path, description = "The collaboration.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11")),
    request_body(content = RecordsRequest, description = "The tokens, 1 to 1,000 of them.", example = json!({"tokens": ["00112233445566778899aabbccddeeff"]})),
    responses((status = 200, description = "Own records, newest uploads first, at most 5,000.", body = RecordsView), Anywhere, Unidentified, Missing, BadBody)
)]
pub async fn records(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
    Json(request): Json<RecordsRequest>,
) -> Result<Answer<RecordsView>, Problem> {
    Ok(Answer(api.service.records(&caller, &id, request).await?))
}
