//! `POST /v1/collaborations/{id}/withdrawals`.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use tamis_protocols::wire::api::{WithdrawalRequest, WithdrawalView};

use crate::http::Api;
use crate::http::documented::{Anywhere, BadBody, Conflicting, Missing, Unidentified};
use crate::http::extract::{Id, Json, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// Withdraws people by their tokens: at once from matching, and from every destination by delivery. An
/// erasure also destroys what the caller's side keeps of them.
#[utoipa::path(
    post,
    path = "/v1/collaborations/{id}/withdrawals",
    tag = "withdrawals",
    params(("id" = String, Path, description = "The collaboration.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11")),
    request_body(content = WithdrawalRequest, description = "The tokens, 1 to 50,000 of them, and what is asked for: `withdrawal` if nothing is said, `opposition` or `erasure`.", example = json!({"tokens": ["00112233445566778899aabbccddeeff"]})),
    responses((status = 201, description = "The withdrawal, in effect.", body = WithdrawalView), Anywhere, Unidentified, Missing, BadBody, Conflicting)
)]
pub async fn withdraw(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
    Json(request): Json<WithdrawalRequest>,
) -> Result<(StatusCode, Answer<WithdrawalView>), Problem> {
    let view = api.service.withdraw(&caller, &id, request).await?;
    Ok((StatusCode::CREATED, Answer(view)))
}
