//! `POST /v1/enrolments`: the one door without a client certificate.
//!
//! The invitation's one-time token stands for the party; a wrong, a used and an expired one are refused
//! with the same words.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use tamis_protocols::wire::api::{EnrolmentReply, EnrolmentRequest};

use crate::http::Api;
use crate::http::documented::{Anywhere, BadBody, Conflicting};
use crate::http::extract::Json;
use crate::http::problem::Problem;

/// Exchanges a one-time invitation token for a client certificate.
#[utoipa::path(
    post,
    path = "/v1/enrolments",
    tag = "parties",
    security(()),
    request_body(
        content = EnrolmentRequest,
        description = "The token, a certificate request, and the party's public keys.",
        example = json!({
            "token": "one-time-token",
            "csr_pem": "-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n",
            "signing_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "sealing_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        })
    ),
    responses(
        (status = 201, description = "The party is enrolled.", body = EnrolmentReply),
        Anywhere, BadBody, Conflicting
    )
)]
pub async fn enrol(
    State(api): State<Api>,
    Json(request): Json<EnrolmentRequest>,
) -> Result<(StatusCode, Answer<EnrolmentReply>), Problem> {
    let reply = api.service.enrol(request).await?;
    Ok((StatusCode::CREATED, Answer(reply)))
}
