//! `POST /v1/audit/samples`.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use tamis_protocols::wire::api::{SampleRequest, SampleView};

use crate::http::Api;
use crate::http::documented::{Anywhere, BadBody, Conflicting, Missing, Unidentified};
use crate::http::extract::Json;
use crate::http::problem::Problem;
use crate::service::Caller;

/// Draws consent records for the parties to substantiate, for auditors. What is drawn follows from the newest
/// checkpoint and the nonce, so that anybody can draw it again.
#[utoipa::path(
    post,
    path = "/v1/audit/samples",
    tag = "audit",
    request_body(content = SampleRequest, description = "How many, and of whose uploads.", example = json!({"n": 200, "nonce": "spring"})),
    responses((status = 201, description = "The sample.", body = SampleView), Anywhere, Unidentified, Missing, BadBody, Conflicting)
)]
pub async fn draw_sample(
    State(api): State<Api>,
    caller: Caller,
    Json(request): Json<SampleRequest>,
) -> Result<(StatusCode, Answer<SampleView>), Problem> {
    let view = api.service.draw_sample(&caller, request).await?;
    Ok((StatusCode::CREATED, Answer(view)))
}
