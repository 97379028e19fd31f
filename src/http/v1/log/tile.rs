//! `GET /v1/log/tile/…`: the C2SP tlog-tiles layout, for auditors.
//!
//! Entries are for auditors only: leaves name parties and collaborations that other parties must not
//! learn of.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::http::Api;
use crate::http::caller::Auditor;
use crate::http::documented::{Anywhere, Missing, Unidentified};
use crate::http::extract::Params;
use crate::http::problem::Problem;

/// A tile of hashes or of entries, for auditors. The path is that of the tlog-tiles layout, e.g.
/// `0/000`, `0/x001/234.p/17` or `entries/000`; its slashes are part of it.
#[utoipa::path(
    get,
    path = "/v1/log/tile/{*tile}",
    tag = "log",
    params((
        "tile" = String, Path,
        description = "Path below `tile/` in the tlog-tiles layout",
        pattern = "^(entries|[0-9]{1,2})(/x[0-9]{3})*/[0-9]{3}([.]p/[0-9]{1,3})?$",
        example = "0/000"
    )),
    responses(
        (status = 200, description = "The tile's bytes.", content_type = "application/octet-stream", body = inline(String)),
        Anywhere, Unidentified, Missing
    )
)]
pub async fn tile(
    State(api): State<Api>,
    _: Auditor,
    Params(path): Params<String>,
) -> Result<Response, Problem> {
    if !is_tile(&path) {
        return Err(Problem::not_found());
    }
    let bytes = api.service.tile(&format!("tile/{path}")).await?;
    let mut response = bytes.ok_or_else(Problem::not_found)?.into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/octet-stream");
    headers.insert(CONTENT_TYPE, kind);
    let forever = HeaderValue::from_static("private, max-age=31536000, immutable");
    headers.insert(CACHE_CONTROL, forever);
    Ok(response)
}

/// Whether a path is one of the layout's; so none can lead out of the log's directory.
fn is_tile(path: &str) -> bool {
    let digits = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let (index, width) = match path.split_once(".p/") {
        Some((index, width)) => (index, Some(width)),
        None => (path, None),
    };
    let Some((level, index)) = index.split_once('/') else {
        return false;
    };
    let mut parts = index.rsplit('/');
    let last = parts.next().unwrap_or_default();
    let is_level = level == "entries" || digits(level, 1..=2);
    let is_width = width.is_none_or(|width| digits(width, 1..=3));
    let is_inner = |part: &str| {
        part.strip_prefix('x')
            .is_some_and(|part| digits(part, 3..=3))
    };
    is_level && is_width && digits(last, 3..=3) && parts.all(is_inner) && path.len() < 64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_of_the_layout_are_tiles() {
        for path in [
            "0/000",
            "1/x001/234",
            "0/x001/x234/067.p/8",
            "entries/000.p/255",
        ] {
            assert!(is_tile(path), "{path}");
        }
    }

    #[test]
    fn no_other_path_is_one() {
        for path in [
            "",
            "0",
            "0/",
            "0/00",
            "0/../../kek",
            "0/000/",
            "0/x001",
            "0/000.p/",
            "0/000.p/1234",
            "entries",
            "../0/000",
            "0/x../000",
            "0//000",
            "0/000.p/1.p/1",
        ] {
            assert!(!is_tile(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_tile_path_never_climbs(path in "[0-9xp./a-z]{0,40}") {
            if is_tile(&path) {
                prop_assert!(!path.contains("..") && !path.starts_with('/'));
            }
        }
    }
}
