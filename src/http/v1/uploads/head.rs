//! `HEAD /v1/uploads/{id}`: where to go on.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::http::Api;
use crate::http::documented::{Anywhere, Gone, Missing, OtherVersion, Unidentified};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::http::tus::{self, Resumable};
use crate::service::Caller;

/// The offset at which the upload goes on.
#[utoipa::path(
    head,
    path = "/v1/uploads/{id}",
    tag = "uploads",
    params(("id" = String, Path, description = "The upload.", pattern = "^[0-9a-f]{32}$", example = "a3c9e1f47b2d40868d5e6f7a8b9c0d1e"), ("Tus-Resumable" = String, Header, description = "`1.0.0`", pattern = "^1\\.0\\.0$", example = "1.0.0")),
    responses(
        (
            status = 200,
            description = "The standing is in the headers.",
            headers(
                ("Upload-Offset" = u64, description = "Bytes stored so far"),
                ("Upload-Length" = u64, description = "Bytes of the whole upload"),
                ("Upload-Expires" = Option<String>, description = "While incomplete: HTTP date at which it ends"),
                ("Tus-Resumable" = String, description = "`1.0.0`")
            )
        ),
        Anywhere, Unidentified, Missing, OtherVersion, Gone
    )
)]
pub async fn upload_offset(
    State(api): State<Api>,
    caller: Caller,
    _: Resumable,
    Params(Id(id)): Params<Id>,
) -> Result<Response, Problem> {
    let upload = api.service.upload(&caller, &id).await?;
    tus::alive(&upload)?;
    let headers = tus::standing(&upload, &api.uploads.rules);
    Ok(tus::answer(StatusCode::OK, headers))
}
