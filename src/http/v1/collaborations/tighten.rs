//! `PUT /v1/collaborations/{id}/policy`.

use axum::Json as Answer;
use axum::extract::State;
use tamis_protocols::wire::api::{AgreedPolicyView, TighteningRequest};

use crate::http::Api;
use crate::http::documented::{Anywhere, BadBody, Conflicting, Missing, Unidentified};
use crate::http::extract::{Id, Json, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// Tightens the release policy of a collaboration for good: either party, by a signed document. Minima can
/// be raised and budgets lowered, nothing can be loosened.
#[utoipa::path(
    put,
    path = "/v1/collaborations/{id}/policy",
    tag = "collaborations",
    params(("id" = String, Path, description = "The collaboration.", pattern = "^[0-9a-f]{32}$", example = "6f1d0c1b8a2e4f7790b3c5d2e1f00a11")),
    request_body(content = TighteningRequest, description = "The exact signed bytes of the document, and the signature.", example = json!({"document": "{\"version\":1,\"collaboration\":\"6f1d0c1b8a2e4f7790b3c5d2e1f00a11\",\"party\":\"shop\",\"number\":1,\"policy\":{\"k_min\":250,\"cell_min\":50,\"noise_scale\":5,\"round_to\":10,\"pair_cap\":8000,\"partner_cap\":80000,\"window_days\":30,\"look_back_days\":90,\"upload_min\":1000,\"tenure_days\":0,\"window_minutes\":0}}", "signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="})),
    responses((status = 200, description = "What holds from now on.", body = AgreedPolicyView), Anywhere, Unidentified, Missing, BadBody, Conflicting)
)]
pub async fn tighten(
    State(api): State<Api>,
    caller: Caller,
    Params(Id(id)): Params<Id>,
    Json(request): Json<TighteningRequest>,
) -> Result<Answer<AgreedPolicyView>, Problem> {
    Ok(Answer(api.service.tighten(&caller, &id, request).await?))
}
