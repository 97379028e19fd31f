//! `PUT /v1/collaborations/{id}/audiences/{name}`.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use tamis_protocols::wire::api::{AudienceRequest, AudienceView};

use super::AudiencePath;
use crate::http::Api;
use crate::http::documented::{Anywhere, BadBody, Conflicting, Missing, Unidentified};
use crate::http::extract::{Json, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// Names an audience, or decides it anew on the newest uploads. The release gate decides in the background.
#[utoipa::path(
    put,
    path = "/v1/collaborations/{id}/audiences/{name}",
    tag = "audiences",
    params(("id" = String, Path, description = "The collaboration.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11"), ("name" = String, Path, description = "The audience.", pattern = "^[a-z][a-z0-9-]{0,63}$", example = "loyal")),
    request_body(content = AudienceRequest, description = "Whom it holds, where it goes, and what for.", example = json!({"expression": "loyalty in (silver, gold, platinum)", "destinations": ["dsp-a"], "use": "target"})),
    responses((status = 202, description = "The audience, with a decision pending at each destination.", body = AudienceView), Anywhere, Unidentified, Missing, BadBody, Conflicting)
)]
pub async fn put_audience(
    State(api): State<Api>,
    caller: Caller,
    Params(path): Params<AudiencePath>,
    Json(request): Json<AudienceRequest>,
) -> Result<(StatusCode, Answer<AudienceView>), Problem> {
    let view = api
        .service
        .put_audience(&caller, &path.id.0, &path.name.0, request)
        .await?;
    Ok((StatusCode::ACCEPTED, Answer(view)))
}
