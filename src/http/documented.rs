//! The problem answers of the OpenAPI document, in the groups in which handlers give them.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::problem;

fn problems(of: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    of.iter()
        .map(|(status, description)| {
            let content = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build();
            let response = ResponseBuilder::new()
                .description(*description)
                .content(problem::MEDIA_TYPE, content)
                .build();
            ((*status).to_owned(), RefOr::T(response))
        })
        .collect()
}

/// Every endpoint: what can go wrong on the service's side.
pub struct Anywhere;

impl IntoResponses for Anywhere {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            (
                "500",
                "The service failed; the operator's log has the reason under the `x-request-id` of the answer.",
            ),
            (
                "503",
                "Too many requests at once, the deadline has passed, or a part is unavailable; see `Retry-After`.",
            ),
        ])
    }
}

/// Every endpoint for enrolled parties: no certificate, or one that names nobody.
pub struct Unidentified;

impl IntoResponses for Unidentified {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(
            "401",
            "The connection has no client certificate, or it is expired or unknown.",
        )])
    }
}

/// Endpoints that name a resource.
pub struct Missing;

impl IntoResponses for Missing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(
            "404",
            "No such resource, or not the caller's to see: the two are not told apart.",
        )])
    }
}

/// Endpoints with a JSON body.
pub struct BadBody;

impl IntoResponses for BadBody {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            ("400", "The body is not JSON, or was cut."),
            ("413", "The body is larger than this endpoint allows."),
            ("415", "The body is not `application/json`."),
            ("422", "The body is JSON, but not an acceptable document."),
        ])
    }
}

/// Endpoints that depend on the state of a resource.
pub struct Conflicting;

impl IntoResponses for Conflicting {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[("409", "The request does not fit the present state.")])
    }
}

/// Every tus endpoint: another protocol version is asked for.
pub struct OtherVersion;

impl IntoResponses for OtherVersion {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(
            "412",
            "`Tus-Resumable` is missing or not `1.0.0`; `Tus-Version` says what is spoken.",
        )])
    }
}

/// Creating an upload: what its headers may get wrong.
pub struct BadUpload;

impl IntoResponses for BadUpload {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            ("400", "A tus header is missing or cannot be read."),
            ("413", "The upload is longer than `Tus-Max-Size`."),
            (
                "422",
                "The upload is empty, names no collaboration, or cannot be accepted in it.",
            ),
        ])
    }
}

/// Appending to an upload: what may go wrong with the bytes.
pub struct BadPiece;

impl IntoResponses for BadPiece {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            (
                "400",
                "A tus header is missing or cannot be read, or the body was cut.",
            ),
            (
                "408",
                "The bytes came too slowly; what arrived is kept unless a checksum was given.",
            ),
            ("413", "More bytes than are missing."),
            ("415", "The body is not `application/offset+octet-stream`."),
            ("422", "The bytes cannot be accepted."),
            ("423", "Another request is appending to this upload."),
            (
                "460",
                "The bytes do not have the checksum that came with them, and were discarded.",
            ),
        ])
    }
}

/// Uploads that take nothing more.
pub struct Gone;

impl IntoResponses for Gone {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[("410", "The upload was ended, or not completed in time.")])
    }
}
