//! `PATCH /v1/uploads/{id}`: the bytes.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tamis_protocols::wire::api::UploadState;

use crate::http::Api;
use crate::http::documented::{
    Anywhere, BadPiece, Conflicting, Gone, Missing, OtherVersion, Unidentified,
};
use crate::http::extract::{Id, Params};
use crate::http::problem::Problem;
use crate::http::tus::headers::{self, Checksum};
use crate::http::tus::receive::{self, Bounds};
use crate::http::tus::{self, Resumable};
use crate::service::Caller;

const MEDIA_TYPE: &str = "application/offset+octet-stream";

/// Appends bytes at the upload's offset. When the last byte is there, sealing begins in the background.
#[utoipa::path(
    patch,
    path = "/v1/uploads/{id}",
    tag = "uploads",
    params(
        ("id" = String, Path, description = "The upload.", pattern = "^[0-9a-f]{32}$", example = "a3c9e1f47b2d40868d5e6f7a8b9c0d1e"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`", pattern = "^1\\.0\\.0$", example = "1.0.0"),
        ("Upload-Offset" = u64, Header, description = "The upload's present offset", example = 0),
        (
            "Upload-Checksum" = Option<String>, Header,
            description = "`sha1` or `sha256`, a space, and the base64 digest of this request's body; then all of the body is kept, or none of it",
            example = "sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0="
        )
    ),
    request_body(
        content = inline(String),
        content_type = "application/offset+octet-stream",
        description = "The next bytes of the upload."
    ),
    responses(
        (
            status = 204,
            description = "The bytes are stored.",
            headers(
                ("Upload-Offset" = u64, description = "The new offset"),
                ("Upload-Length" = u64, description = "Bytes of the whole upload"),
                ("Upload-Expires" = Option<String>, description = "While incomplete: HTTP date at which it ends"),
                ("Tus-Resumable" = String, description = "`1.0.0`")
            )
        ),
        Anywhere, Unidentified, Missing, OtherVersion, Conflicting, Gone, BadPiece
    )
)]
pub async fn append_upload(
    State(api): State<Api>,
    caller: Caller,
    _: Resumable,
    Params(Id(id)): Params<Id>,
    request: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    check_media_type(&request)?;
    let offset = headers::bytes(&request, &tus::UPLOAD_OFFSET)?.ok_or_else(offset_missing)?;
    let checksum = Checksum::read(&request)?;
    let mut upload = api.service.upload(&caller, &id).await?;
    tus::alive(&upload)?;
    let writer = api.service.begin_append(&caller, &id, offset).await?;
    let bounds = Bounds::new(&api.limits, upload.length.saturating_sub(offset));
    if headers::bytes(&request, &CONTENT_LENGTH)?.is_some_and(|length| length > bounds.missing) {
        return Err(receive::too_long());
    }

    // A task of its own: a cut connection drops this handler, but must not drop what arrived.
    let stop = api.uploads.stop.clone();
    let received = api
        .uploads
        .running
        .spawn(async move { receive::receive(body, writer, &bounds, checksum, &stop).await });
    upload.offset = received.await.map_err(|_| Problem::internal())??;
    if upload.offset == upload.length {
        upload.state = UploadState::Sealing;
    }
    let headers = tus::standing(&upload, &api.uploads.rules);
    Ok(tus::answer(StatusCode::NO_CONTENT, headers))
}

fn check_media_type(request: &HeaderMap) -> Result<(), Problem> {
    if request
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind == MEDIA_TYPE)
    {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "The body's media type is not the one expected here.",
    )
    .because("Send Content-Type: application/offset+octet-stream."))
}

fn offset_missing() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "offset_missing",
        "The request does not say where its bytes belong.",
    )
    .because("Send Upload-Offset; HEAD says its present value.")
}
