//! `GET /v1/uploads/{id}/consent/{row}`.

use axum::Json;
use axum::extract::State;
use tamis_protocols::wire::api::RecordProofView;

use crate::http::Api;
use crate::http::documented::{Anywhere, Conflicting, Missing, Unidentified};
use crate::http::extract::{Id, IdAndRow, Params};
use crate::http::problem::Problem;
use crate::service::Caller;

/// The consent record of one row of an upload, with the proof that it stood there.
#[utoipa::path(
    get,
    path = "/v1/uploads/{id}/consent/{row}",
    tag = "uploads",
    params(
        ("id" = String, Path, description = "The upload.", pattern = "^[0-9a-f]{32}$", example = "a3c9e1f47b2d40868d5e6f7a8b9c0d1e"),
        ("row" = u64, Path, description = "The row, from 0.", minimum = 0, example = 17)
    ),
    responses((status = 200, description = "The proof; of a record that was erased, that there was one.", body = RecordProofView), Anywhere, Unidentified, Missing, Conflicting)
)]
pub async fn record_proof(
    State(api): State<Api>,
    caller: Caller,
    Params(IdAndRow { id: Id(id), row }): Params<IdAndRow>,
) -> Result<Json<RecordProofView>, Problem> {
    Ok(Json(api.service.record_proof(&caller, &id, row).await?))
}
