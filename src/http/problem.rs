//! Every answer that is not a success: an RFC 9457 problem document.
//!
//! A problem has a stable code, one sentence per code, and a detail that says what to do next. It never
//! echoes what was sent: serde's own messages quote values, so they are reduced to line and column.
//! What belongs to another party and what does not exist give the same bytes.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tamis_protocols::wire::api;

use crate::service::ServiceError;

/// The media type of problem documents.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An answer that is not a success, before it is written.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: Option<Cow<'static, str>>,
}

impl Problem {
    /// A problem with the code's own status and sentence.
    pub fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Problem {
            status,
            code,
            title,
            detail: None,
        }
    }

    /// Says what happened this time and what to do next.
    pub fn because(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Nothing there, or nothing for this caller: the two are not told apart.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is no such resource.",
        )
    }

    /// The request came without a certificate that names an enrolled party.
    pub fn certificate_required() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "certificate_required",
            "A valid client certificate is required.",
        )
        .because("Enrol with an invitation, and present the certificate that enrolment returned.")
    }

    /// The service holds as many requests as it may.
    pub fn busy() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "The service handles as many requests as it may.",
        )
        .because("Try again in a moment.")
    }

    /// The request was not answered in time.
    pub fn deadline() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "deadline",
            "The request took longer than the service allows.",
        )
        .because("Send the body faster, or try again later.")
    }

    /// A fault of the service; what it was stands in its own log only.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The service failed.",
        )
        .because("Give the operator the x-request-id of this answer.")
    }

    /// The sentence for a bare status that no handler of ours explained.
    fn for_status(status: StatusCode) -> Self {
        let (code, title) = match status {
            StatusCode::NOT_FOUND => return Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => (
                "method_not_allowed",
                "The resource does not know this method.",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => {
                ("body_too_large", "The body is larger than allowed here.")
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => (
                "unsupported_media_type",
                "The body's media type is not the one expected here.",
            ),
            _ if status.is_client_error() => {
                ("bad_request", "The request cannot be read as it is.")
            }
            _ => return Self::internal(),
        };
        Self::new(status, code, title)
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::NotFound => Self::not_found(),
            ServiceError::Invalid { code, detail } => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                code,
                "The request is understood, but cannot be accepted as it is.",
            )
            .because(detail),
            ServiceError::Conflict { code, detail } => {
                let status = match code {
                    "upload_locked" => StatusCode::LOCKED,
                    _ => StatusCode::CONFLICT,
                };
                let title = "The request does not fit the present state of the resource.";
                Self::new(status, code, title).because(detail)
            }
            ServiceError::Unavailable { detail } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The service cannot do this at the moment.",
            )
            .because(detail),
            ServiceError::Internal(reason) => {
                tracing::error!(reason, "a use case failed");
                Self::internal()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = api::Problem {
            kind: format!("urn:tamis:problem:{}", self.code),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.map(Cow::into_owned),
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        match self.status {
            StatusCode::UNAUTHORIZED => {
                let scheme = HeaderValue::from_static("ClientCertificate realm=\"tamis\"");
                headers.insert(WWW_AUTHENTICATE, scheme);
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
            }
            _ => {}
        }
        response
    }
}

/// Middleware: an error that the router itself answered (404, 405 …) becomes a problem document too.
/// Its other headers, such as `Allow`, stay. A handler that panics is a 500, and only its own.
pub async fn complete(request: Request, next: Next) -> Response {
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let Ok(response) = answer else {
        tracing::error!("a handler panicked");
        return Problem::internal().into_response();
    };
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_problem = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind == MEDIA_TYPE);
    if !is_error || is_problem {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    let (explained, body) = Problem::for_status(status).into_response().into_parts();
    parts.headers.extend(explained.headers);
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::new(body))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use axum::Router;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn body(response: Response) -> api::Problem {
        assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn the_routers_own_refusals_are_problem_documents() {
        let router = Router::new()
            .route("/known", get(|| async { "here" }))
            .layer(from_fn(complete));
        let ask = |method: &str, path: &str| {
            let request = Request::builder().method(method).uri(path);
            router.clone().oneshot(request.body(Body::empty()).unwrap())
        };
        let missing = body(ask("GET", "/unknown").await.unwrap()).await;
        assert_eq!(missing.status, 404);
        assert_eq!(missing.kind, "urn:tamis:problem:not_found");
        let wrong_method = ask("POST", "/known").await.unwrap();
        assert_eq!(wrong_method.headers()["allow"], "GET,HEAD");
        assert_eq!(body(wrong_method).await.status, 405);
    }

    #[tokio::test]
    async fn what_exists_elsewhere_and_what_does_not_exist_give_the_same_bytes() {
        let theirs = Problem::from(ServiceError::NotFound).into_response();
        let nobodys = Problem::for_status(StatusCode::NOT_FOUND).into_response();
        assert_eq!(theirs.headers(), nobodys.headers());
        let bytes = |response: Response| async { response.into_body().collect().await.unwrap() };
        assert_eq!(
            bytes(theirs).await.to_bytes(),
            bytes(nobodys).await.to_bytes()
        );
    }

    #[tokio::test]
    async fn an_internal_reason_never_leaves() {
        let reason = "disk at /secret is full".to_owned();
        let problem = body(Problem::from(ServiceError::Internal(reason)).into_response()).await;
        assert_eq!(problem.status, 500);
        assert!(!serde_json::to_string(&problem).unwrap().contains("secret"));
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_as_a_fault_of_the_service() {
        let panicking = || async {
            if true {
                panic!("a slip");
            }
        };
        let router = Router::new()
            .route("/", get(panicking))
            .layer(from_fn(complete));
        let request = Request::get("/").body(Body::empty()).unwrap();
        let problem = body(router.oneshot(request).await.unwrap()).await;
        assert_eq!(problem.kind, "urn:tamis:problem:internal");
    }

    #[tokio::test]
    async fn a_locked_upload_is_423_and_other_conflicts_409() {
        let conflict = |code| {
            Problem::from(ServiceError::Conflict {
                code,
                detail: String::new(),
            })
        };
        assert_eq!(conflict("upload_locked").status().as_u16(), 423);
        assert_eq!(conflict("offset_mismatch").status().as_u16(), 409);
    }
}
