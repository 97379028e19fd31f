//! `POST /v1/collaborations`.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use tamis_protocols::wire::api::{CollaborationView, ProposalRequest};

use crate::http::Api;
use crate::http::documented::{Anywhere, BadBody, Conflicting, Missing, Unidentified};
use crate::http::extract::Json;
use crate::http::problem::Problem;
use crate::service::Caller;

/// Proposes a collaboration: signed terms, and a share of the pair secret that only the partner can open.
#[utoipa::path(
    post,
    path = "/v1/collaborations",
    tag = "collaborations",
    request_body(content = ProposalRequest, description = "The exact signed bytes of the terms, the signature, and the sealed share.", example = json!({"terms": "{\"version\":2,\"nonce\":\"00112233445566778899aabbccddeeff\",\"advertiser\":\"shop\",\"partner\":\"onboarder\",\"protocol\":\"keyed\",\"profile\":\"onboarding-1\",\"identifiers\":[\"email\",\"phone\"],\"epoch\":1,\"destinations\":[{\"name\":\"dsp-a\",\"sealing_key\":\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"}],\"release\":{\"k_min\":100,\"cell_min\":50,\"noise_scale\":5,\"round_to\":10,\"pair_cap\":8000,\"partner_cap\":80000,\"window_days\":30,\"look_back_days\":90,\"upload_min\":1000,\"tenure_days\":0,\"window_minutes\":0},\"crm_rows\":250000,\"advertiser_consent\":{\"bases\":[\"consent\",\"legitimate_interest\"],\"purposes\":[3,4],\"max_age_months\":25},\"partner_consent\":{\"bases\":[\"consent\"],\"purposes\":[1,3,4],\"max_age_months\":13},\"expires\":\"2027-11-22\"}", "signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", "sealed_share": "c2VhbGVkIHNoYXJl"})),
    responses((status = 201, description = "The collaboration, proposed; it is active once the partner accepts.", body = CollaborationView), Anywhere, Unidentified, Missing, BadBody, Conflicting)
)]
pub async fn propose(
    State(api): State<Api>,
    caller: Caller,
    Json(request): Json<ProposalRequest>,
) -> Result<(StatusCode, Answer<CollaborationView>), Problem> {
    let view = api.service.propose(&caller, request).await?;
    Ok((StatusCode::CREATED, Answer(view)))
}
