//! `POST /v1/uploads`: tus creation.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use tamis_protocols::wire::api::UploadMode;

use crate::http::Api;
use crate::http::documented::{
    Anywhere, BadUpload, Conflicting, Missing, OtherVersion, Unidentified,
};
use crate::http::problem::Problem;
use crate::http::tus::{self, Resumable, headers};
use crate::service::{Announced, Caller};

/// Creates an upload in a collaboration. Its bytes follow with `PATCH`.
#[utoipa::path(
    post,
    path = "/v1/uploads",
    tag = "uploads",
    params(
        ("Tus-Resumable" = String, Header, description = "`1.0.0`", pattern = "^1\\.0\\.0$", example = "1.0.0"),
        ("Upload-Length" = u64, Header, description = "Bytes of the whole upload", minimum = 1, example = 1048576),
        (
            "Upload-Metadata" = String, Header,
            description = "`collaboration` and the base64 form of the collaboration's id; `mode` and that of `full` (the same as none), `add`, `remove` or `refresh`; `bridge` and that of another collaboration's id, whose tokens a partner's rows carry as well; other keys are ignored",
            example = "collaboration NmYxZDBjMWI4YTJlNGY3NzkwYjNjNWQyZTFmMDBhMTE="
        )
    ),
    responses(
        (
            status = 201,
            description = "The upload waits for its bytes.",
            headers(
                ("Location" = String, description = "Path of the upload"),
                ("Upload-Offset" = u64, description = "0"),
                ("Upload-Length" = u64, description = "As declared"),
                ("Upload-Expires" = String, description = "HTTP date at which an incomplete upload ends"),
                ("Tus-Resumable" = String, description = "`1.0.0`")
            )
        ),
        Anywhere, Unidentified, Missing, OtherVersion, BadUpload, Conflicting
    )
)]
pub async fn create_upload(
    State(api): State<Api>,
    caller: Caller,
    _: Resumable,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let length = length(&request, api.uploads.rules.max_bytes)?;
    let mut metadata = headers::metadata(&request)?;
    let collaboration = collaboration(&mut metadata)?;
    let announced = Announced {
        mode: mode(&mut metadata)?,
        bridge: bridge(&mut metadata)?,
    };
    let upload = api
        .service
        .create_upload(&caller, &collaboration, announced, length)
        .await?;
    let mut headers = tus::standing(&upload, &api.uploads.rules);
    let location = HeaderValue::try_from(format!("/v1/uploads/{}", upload.id));
    headers.insert(LOCATION, location.map_err(|_| Problem::internal())?);
    Ok(tus::answer(StatusCode::CREATED, headers))
}

fn length(request: &HeaderMap, max_bytes: u64) -> Result<u64, Problem> {
    let Some(length) = headers::bytes(request, &tus::UPLOAD_LENGTH)? else {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "length_missing",
            "An upload declares its length when it is created.",
        )
        .because("Send Upload-Length; Upload-Defer-Length is not supported."));
    };
    if length == 0 {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "empty_upload",
            "There is nothing to upload.",
        )
        .because("Upload-Length is 0: look at the file you are sending."));
    }
    if length > max_bytes {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "upload_too_large",
            "The upload is larger than the service accepts.",
        )
        .because("OPTIONS /v1/uploads says the largest length in Tus-Max-Size."));
    }
    Ok(length)
}

/// The collaboration that the metadata names; one that cannot exist is as good as unknown.
fn collaboration(metadata: &mut BTreeMap<String, Vec<u8>>) -> Result<String, Problem> {
    let Some(value) = metadata.remove("collaboration") else {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "collaboration_missing",
            "An upload belongs to a collaboration.",
        )
        .because("Send Upload-Metadata: collaboration, a space, and the base64 form of its id."));
    };
    String::from_utf8(value).map_err(|_| Problem::not_found())
}

/// The other collaboration whose tokens the rows carry; one that cannot exist is as good as unknown.
fn bridge(metadata: &mut BTreeMap<String, Vec<u8>>) -> Result<Option<String>, Problem> {
    let value = metadata.remove("bridge").map(String::from_utf8);
    value.transpose().map_err(|_| Problem::not_found())
}

/// What the rows will do; without a word they replace everything before.
fn mode(metadata: &mut BTreeMap<String, Vec<u8>>) -> Result<UploadMode, Problem> {
    let Some(value) = metadata.remove("mode") else {
        return Ok(UploadMode::Full);
    };
    let word = str::from_utf8(&value).ok();
    word.and_then(UploadMode::parse).ok_or_else(|| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "unknown_mode",
            "There is no such mode of an upload.",
        )
        .because("In Upload-Metadata, mode is the base64 form of full, add, remove or refresh.")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn with(length: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(tus::UPLOAD_LENGTH, HeaderValue::from_static(length))])
    }

    #[test]
    fn lengths_outside_the_bounds_are_refused_each_with_its_status() {
        let status = |headers: &HeaderMap| length(headers, 10).map_err(|p| p.status().as_u16());
        assert_eq!(status(&with("10")), Ok(10));
        assert_eq!(status(&with("11")), Err(413));
        assert_eq!(status(&with("0")), Err(422));
        assert_eq!(status(&HeaderMap::new()), Err(400));
    }

    #[test]
    fn an_upload_without_a_collaboration_is_refused() {
        let problem = collaboration(&mut BTreeMap::new()).unwrap_err();
        assert_eq!(problem.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[test]
    fn a_bridge_is_an_id_or_names_nothing_and_need_not_be_there() {
        let said = |bytes: &[u8]| {
            let mut metadata = BTreeMap::from([("bridge".to_owned(), bytes.to_vec())]);
            bridge(&mut metadata).map_err(|problem| problem.status().as_u16())
        };
        assert!(bridge(&mut BTreeMap::new()).unwrap().is_none());
        assert_eq!(said(b"00ff"), Ok(Some("00ff".to_owned())));
        assert_eq!(said(&[0xff]), Err(404));
    }

    #[test]
    fn an_upload_is_full_unless_it_says_another_mode_that_there_is() {
        let said = |word: &str| {
            let mut metadata = BTreeMap::from([("mode".to_owned(), word.as_bytes().to_vec())]);
            mode(&mut metadata).map_err(|problem| problem.status().as_u16())
        };
        assert_eq!(mode(&mut BTreeMap::new()).unwrap(), UploadMode::Full);
        assert_eq!(said("full"), Ok(UploadMode::Full));
        assert_eq!(said("add"), Ok(UploadMode::Add));
        assert_eq!(said("remove"), Ok(UploadMode::Remove));
        assert_eq!(said("refresh"), Ok(UploadMode::Refresh));
        for word in ["", "Add", "replace", "\u{e9}"] {
            assert_eq!(said(word), Err(422), "{word}");
        }
    }
}
