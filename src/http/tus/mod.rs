//! tus 1.0: resumable uploads that public clients (tuspy, tus-js-client) speak.
//!
//! Extensions: creation, checksum, expiration, termination. The flow: `POST /v1/uploads` names the
//! collaboration and the length; `PATCH` appends at an offset; after a cut, `HEAD` says where to go on.
//! What arrived before a cut is kept, unless the request carried a checksum, which then cannot be
//! judged. `X-HTTP-Method-Override` is not honoured: the method stands in the request line.
//!
//! Source: <https://tus.io/protocols/resumable-upload>, version 1.0.0.

pub mod headers;
pub mod receive;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tamis_protocols::wire::api::{UploadState, UploadView};

use super::Api;
use super::problem::Problem;

/// The one version spoken.
pub const VERSION: &str = "1.0.0";
/// The extensions spoken.
pub const EXTENSIONS: &str = "creation,checksum,expiration,termination";
/// The algorithms of `Upload-Checksum`.
pub const ALGORITHMS: &str = "sha1,sha256";

/// `Tus-Resumable`.
pub const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
/// `Tus-Version`.
pub const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
/// `Tus-Extension`.
pub const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
/// `Tus-Max-Size`.
pub const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
/// `Tus-Checksum-Algorithm`.
pub const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
/// `Upload-Offset`.
pub const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// `Upload-Length`.
pub const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
/// `Upload-Expires`.
pub const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
/// `Upload-Metadata`.
pub const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
/// `Upload-Checksum`.
pub const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");

/// Bounds of uploads; the service enforces them too, and later ends what expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRules {
    /// Longest upload in bytes.
    pub max_bytes: u64,
    /// Time from creation after which an incomplete upload ends.
    pub expire: SignedDuration,
}

/// Proof that the request speaks our version of tus; a problem of its own otherwise.
pub struct Resumable;

impl FromRequestParts<Api> for Resumable {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Response> {
        match parts.headers.get(TUS_RESUMABLE) {
            Some(version) if version == VERSION => Ok(Resumable),
            _ => Err(other_version()),
        }
    }
}

fn other_version() -> Response {
    let problem = Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "tus_version",
        "The upload protocol is tus 1.0.0.",
    )
    .because("Send Tus-Resumable: 1.0.0.");
    ([(TUS_VERSION, VERSION)], problem).into_response()
}

/// A success without content, in tus.
pub fn answer(status: StatusCode, headers: HeaderMap) -> Response {
    (status, [(TUS_RESUMABLE, VERSION)], headers).into_response()
}

/// The headers that say where an upload stands.
pub fn standing(upload: &UploadView, rules: &UploadRules) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(UPLOAD_OFFSET, HeaderValue::from(upload.offset));
    headers.insert(UPLOAD_LENGTH, HeaderValue::from(upload.length));
    if upload.state == UploadState::Receiving
        && let Some(value) = expires(&upload.created_at, rules)
    {
        headers.insert(UPLOAD_EXPIRES, value);
    }
    headers
}

/// The end of an incomplete upload as an HTTP date (RFC 9110 §5.6.7).
fn expires(created_at: &str, rules: &UploadRules) -> Option<HeaderValue> {
    let created: Timestamp = created_at.parse().ok()?;
    let end = created.checked_add(rules.expire).ok()?;
    let text = end.to_zoned(TimeZone::UTC);
    HeaderValue::from_str(&text.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

/// An upload that was ended or expired takes nothing more.
pub fn alive(upload: &UploadView) -> Result<(), Problem> {
    match upload.state {
        UploadState::Terminated => Err(Problem::new(
            StatusCode::GONE,
            "upload_ended",
            "The upload was ended, or not completed in time.",
        )
        .because("Create a new one.")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use tamis_protocols::wire::api::UploadMode;

    use super::*;

    fn upload(state: UploadState) -> UploadView {
        UploadView {
            id: "00".repeat(16),
            collaboration: "11".repeat(16),
            mode: UploadMode::Full,
            bridge: None,
            state,
            length: 100,
            offset: 40,
            created_at: "2026-11-22T08:49:37Z".to_owned(),
            rows_read: 0,
            retrying: false,
            job: None,
            parent: None,
            report: None,
            refusal: None,
        }
    }

    fn rules() -> UploadRules {
        UploadRules {
            max_bytes: 1 << 30,
            expire: SignedDuration::from_hours(24),
        }
    }

    #[test]
    fn an_incomplete_upload_says_when_it_expires_in_http_form() {
        let headers = standing(&upload(UploadState::Receiving), &rules());
        assert_eq!(headers["upload-expires"], "Mon, 23 Nov 2026 08:49:37 GMT");
        assert_eq!(headers["upload-offset"], "40");
        assert_eq!(headers["upload-length"], "100");
    }

    #[test]
    fn a_complete_upload_does_not_expire() {
        let headers = standing(&upload(UploadState::Sealing), &rules());
        assert!(!headers.contains_key("upload-expires"));
    }

    #[test]
    fn an_ended_upload_is_gone() {
        let problem = alive(&upload(UploadState::Terminated)).unwrap_err();
        assert_eq!(problem.status(), StatusCode::GONE);
        assert!(alive(&upload(UploadState::Refused)).is_ok());
    }

    #[test]
    fn another_version_is_refused_with_the_version_we_speak() {
        let response = other_version();
        assert_eq!(response.status(), StatusCode::PRECONDITION_FAILED);
        assert_eq!(response.headers()["tus-version"], "1.0.0");
    }
}
