//! What handlers take from a request, with refusals that echo nothing.

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use super::problem::Problem;

/// A JSON body, at most as long as the route's body limit.
pub struct Json<T>(pub T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The body's media type is not the one expected here.",
            )
            .because("Send Content-Type: application/json."));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(unreadable)?;
        serde_json::from_slice(&bytes)
            .map(Json)
            .map_err(|error| unacceptable(&error))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn unreadable(rejection: BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The body is larger than allowed here.",
        );
    }
    Problem::new(
        StatusCode::BAD_REQUEST,
        "body_cut",
        "The body ended before it was complete.",
    )
}

/// Line and column only: serde's own message would quote the offending value.
fn unacceptable(error: &serde_json::Error) -> Problem {
    let place = format!("Look at line {}, column {}.", error.line(), error.column());
    if error.is_data() {
        return Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "unexpected_document",
            "The body is JSON, but not the document expected here.",
        )
        .because(place);
    }
    Problem::new(
        StatusCode::BAD_REQUEST,
        "malformed_json",
        "The body is not valid JSON.",
    )
    .because(place)
}

/// The parameters of the path. One that no resource can have is as good as unknown: 404.
pub struct Params<T>(pub T);

impl<S, T> FromRequestParts<S> for Params<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(params)) => Ok(Params(params)),
            Err(_) => Err(Problem::not_found()),
        }
    }
}

/// The id of a resource: 32 lowercase hexadecimal digits.
pub struct Id(pub String);

/// The id of a resource, and the number of one of its rows.
#[derive(Deserialize)]
pub struct IdAndRow {
    /// Which resource.
    pub id: Id,
    /// Which row, from 0.
    pub row: u64,
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(digit) {
            return Err(D::Error::custom("not an id"));
        }
        Ok(Id(text))
    }
}

/// The name of a party or an audience: `[a-z][a-z0-9-]*`, at most 64 bytes.
pub struct Name(pub String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !starts || text.len() > 64 || !text.bytes().all(letter) {
            return Err(D::Error::custom("not a name"));
        }
        Ok(Name(text))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use axum::body::Body;
    use axum::extract::DefaultBodyLimit;
    use axum::response::IntoResponse;
    use axum::routing::{get, post};
    use http_body_util::BodyExt;
    use proptest::prelude::*;
    use tower::ServiceExt;

    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Document {
        #[allow(dead_code)]
        number: u8,
    }

    async fn send(kind: &str, body: &str) -> (u16, String) {
        let router = axum::Router::new()
            .route("/", post(|Json(_): Json<Document>| async {}))
            .layer(DefaultBodyLimit::max(64));
        let request = Request::post("/").header("content-type", kind);
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = router.oneshot(request).await.unwrap().into_response();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn bad_bodies_are_refused_each_with_its_status() {
        let json = "application/json; charset=utf-8";
        assert_eq!(send(json, r#"{"number":1}"#).await.0, 200);
        assert_eq!(send(json, r#"{"number":"#).await.0, 400);
        assert_eq!(send(json, r#"{"number":1,"more":2}"#).await.0, 422);
        assert_eq!(send("text/plain", r#"{"number":1}"#).await.0, 415);
        assert_eq!(send(json, &" ".repeat(65)).await.0, 413);
    }

    #[tokio::test]
    async fn a_refused_body_is_never_quoted() {
        let (status, body) = send("application/json", r#"{"number":"ann@example.com"}"#).await;
        assert_eq!(status, 422);
        assert!(!body.contains("ann"), "{body}");
        let (_, body) = send("application/json", r#"{"ann@example.com":1}"#).await;
        assert!(!body.contains("ann"), "{body}");
    }

    #[tokio::test]
    async fn a_malformed_id_is_simply_not_found() {
        let router =
            axum::Router::new().route("/{id}", get(|Params(Id(id)): Params<Id>| async { id }));
        let good = "0123456789abcdef0123456789abcdef";
        let long = format!("{good}0");
        let upper = good.to_uppercase();
        for (id, status) in [
            (good, 200),
            (&long, 404),
            (&upper, 404),
            ("%ff%fe", 404),
            ("..%2f..%2fetc", 404),
        ] {
            let request = Request::get(format!("/{id}")).body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status().as_u16(), status, "{id}");
        }
    }

    proptest! {
        #[test]
        fn no_path_and_no_body_can_break_the_readers(text in ".{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let quoted = serde_json::to_string(&text).unwrap();
            let _ = serde_json::from_str::<Id>(&quoted);
            let _ = serde_json::from_str::<Name>(&quoted);
            if let Err(error) = serde_json::from_slice::<Document>(&bytes) {
                let _ = unacceptable(&error);
            }
        }
    }
}
