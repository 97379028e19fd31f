//! `POST /v1/audit/samples/{id}`.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use tamis_protocols::wire::api::{SampleView, SubstantiationRequest};

use crate::http::Api;
use crate::http::documented::{Anywhere, BadBody, Conflicting, Missing, Unidentified};
use crate::http::extract::{Id, Json, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// Substantiates drawn records of the caller's uploads: a signed document with a proof of each.
#[utoipa::path(
    post,
    path = "/v1/audit/samples/{id}",
    tag = "audit",
    params(("id" = String, Path, description = "The sample.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11")),
    request_body(content = SubstantiationRequest, description = "The document and its signature, at most 4 MiB.", example = json!({"document": "{}", "signature": "AAAA"})),
    responses((status = 201, description = "What is still open.", body = SampleView), Anywhere, Unidentified, Missing, BadBody, Conflicting)
)]
pub async fn substantiate(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
    Json(request): Json<SubstantiationRequest>,
) -> Result<(StatusCode, Answer<SampleView>), Problem> {
    let view = api.service.substantiate(&caller, &id, request).await?;
    Ok((StatusCode::CREATED, Answer(view)))
}
