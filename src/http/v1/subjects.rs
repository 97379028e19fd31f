//! `POST /v1/collaborations/{id}/subject`.

use axum::Json as Answer;
use axum::extract::State;
use tamis_protocols::wire::api::{SubjectRequest, SubjectView};

use crate::http::Api;
use crate::http::documented::{Anywhere, BadBody, Missing, Unidentified};
use crate::http::extract::{Id, Json, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// What is kept of one person on the caller's own side; never whether the other side knows them.
#[utoipa::path(
    post,
    path = "/v1/collaborations/{id}/subject",
    tag = "withdrawals",
    params(("id" = String, Path, description = "The collaboration.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11")),
    request_body(content = SubjectRequest, description = "The person's tokens, 1 to 64 of them.", example = json!({"tokens": ["00112233445566778899aabbccddeeff"]})),
    responses((status = 200, description = "What is kept.", body = SubjectView), Anywhere, Unidentified, Missing, BadBody)
)]
pub async fn subject(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
    Json(request): Json<SubjectRequest>,
) -> Result<Answer<SubjectView>, Problem> {
    Ok(Answer(api.service.subject(&caller, &id, request).await?))
}
