//! The tus 1.0 resumable upload protocol, client side: creation, checksum, offset after a cut, retry.
//!
//! Pieces of 4 MiB, each with its SHA-256, so that memory is bounded by one piece and a damaged one is
//! sent again. After any failure the service is asked how much it has; the upload goes on from there. The
//! service learns the length and then the bytes of the spool: tokens, consent and sealed labels.

use std::io::SeekFrom;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, Response};
use sha2::{Digest, Sha256};
use tamis_protocols::wire::api::UploadMode;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::backoff::Backoff;
use super::error::ExchangeError;
use super::paths;
use crate::party::client::Client;

const VERSION: (&str, &str) = ("Tus-Resumable", "1.0.0");
/// Bytes per `PATCH`; the upload's whole use of memory.
const PIECE: usize = 4 << 20;
/// Failures in a row without a byte of progress.
const ATTEMPTS: u32 = if cfg!(test) { 3 } else { 8 };

/// Creates an upload of `length` bytes, which may carry tokens of the collaboration `bridge` as well, and
/// returns its address.
pub async fn create(
    client: &Client,
    collaboration: &str,
    mode: UploadMode,
    bridge: Option<&str>,
    length: u64,
) -> Result<String, ExchangeError> {
    let mut metadata = format!("collaboration {}", BASE64_STANDARD.encode(collaboration));
    if mode.is_delta() {
        metadata += &format!(",mode {}", BASE64_STANDARD.encode(mode.as_str()));
    }
    if let Some(other) = bridge {
        metadata += &format!(",bridge {}", BASE64_STANDARD.encode(other));
    }
    let mut backoff = Backoff::new(ATTEMPTS);
    loop {
        let request = client
            .request(Method::POST, paths::UPLOADS)
            .header(VERSION.0, VERSION.1)
            .header("Upload-Length", length)
            .header("Upload-Metadata", &metadata);
        match client.once(request).await {
            // An empty upload that nobody will fill is harmless: it expires.
            Err(error) if error.may_pass() => {
                let after = error.retry_after();
                backoff.pause(error, after).await?;
            }
            Err(error) => return Err(error),
            Ok(answer) => return location(client, &answer),
        }
    }
}

/// Bytes the service has; `None` when it no longer knows the upload.
pub async fn offset(client: &Client, url: &str) -> Result<Option<u64>, ExchangeError> {
    let mut backoff = Backoff::new(ATTEMPTS);
    loop {
        match client
            .once(
                client
                    .request(Method::HEAD, url)
                    .header(VERSION.0, VERSION.1),
            )
            .await
        {
            Ok(answer) => return upload_offset(&answer).map(Some),
            Err(ExchangeError::Refused {
                status: 404 | 410, ..
            }) => return Ok(None),
            // Somebody, perhaps our own cut request, still holds the upload.
            Err(error) if error.may_pass() || is_locked(&error) => {
                let after = error.retry_after();
                backoff.pause(error, after).await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Sends what is missing of the spool, from `offset` on. `moved` hears how many bytes are there.
pub async fn send(
    client: &Client,
    url: &str,
    spool: &Path,
    length: u64,
    mut offset: u64,
    moved: &(dyn Fn(u64) + Sync),
) -> Result<(), ExchangeError> {
    let mut file = tokio::fs::File::open(spool)
        .await
        .map_err(super::enrolment::in_home)?;
    let mut backoff = Backoff::new(ATTEMPTS);
    moved(offset);
    while offset < length {
        let piece = read_piece(&mut file, offset, length).await?;
        match patch(client, url, offset, piece).await {
            Ok(now) if now > offset && now <= length => {
                offset = now;
                backoff.progress();
                moved(offset);
            }
            Ok(_) => return Err(ExchangeError::Misunderstood("an offset that cannot be")),
            Err(error) if passes(&error) => {
                let after = error.retry_after();
                let why = error.to_string();
                let stopped = |offset| ExchangeError::Interrupted {
                    offset,
                    length,
                    why: why.clone(),
                };
                backoff.pause(stopped(offset), after).await?;
                match self::offset(client, url).await {
                    Ok(Some(now)) => {
                        if now > offset {
                            backoff.progress();
                        }
                        offset = now;
                        moved(offset);
                    }
                    Ok(None) => return Err(error),
                    Err(_) => return Err(stopped(offset)),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Ends an upload that will not be completed (tus termination).
pub async fn terminate(client: &Client, url: &str) -> Result<(), ExchangeError> {
    client
        .once(
            client
                .request(Method::DELETE, url)
                .header(VERSION.0, VERSION.1),
        )
        .await
        .map(drop)
}

async fn patch(
    client: &Client,
    url: &str,
    offset: u64,
    piece: Vec<u8>,
) -> Result<u64, ExchangeError> {
    let checksum = BASE64_STANDARD.encode(Sha256::digest(&piece));
    let request = client
        .request(Method::PATCH, url)
        .header(VERSION.0, VERSION.1)
        .header("Upload-Offset", offset)
        .header("Upload-Checksum", format!("sha256 {checksum}"))
        .header(CONTENT_TYPE, "application/offset+octet-stream")
        .body(piece);
    upload_offset(&client.once(request).await?)
}

async fn read_piece(
    file: &mut tokio::fs::File,
    offset: u64,
    length: u64,
) -> Result<Vec<u8>, ExchangeError> {
    let left = usize::try_from(length - offset).unwrap_or(usize::MAX);
    let mut piece = vec![0; left.min(PIECE)];
    let read = async {
        file.seek(SeekFrom::Start(offset)).await?;
        file.read_exact(&mut piece).await
    };
    read.await.map_err(super::enrolment::in_home)?;
    Ok(piece)
}

/// 409 (offset moved), 423 (held by another request) and 460 (checksum) are cured by asking for the offset.
fn passes(error: &ExchangeError) -> bool {
    error.may_pass()
        || matches!(
            error,
            ExchangeError::Refused {
                status: 409 | 423 | 460,
                ..
            }
        )
}

fn is_locked(error: &ExchangeError) -> bool {
    matches!(error, ExchangeError::Refused { status: 423, .. })
}

fn upload_offset(answer: &Response) -> Result<u64, ExchangeError> {
    answer
        .headers()
        .get("Upload-Offset")
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .ok_or(ExchangeError::Misunderstood("no upload offset"))
}

/// The address of a new upload; one that points to another service is refused.
fn location(client: &Client, answer: &Response) -> Result<String, ExchangeError> {
    let location = answer
        .headers()
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .ok_or(ExchangeError::Misunderstood("no upload address"))?;
    let path = match location.strip_prefix(client.base()) {
        Some(path) => path,
        None => location,
    };
    if path.starts_with('/') && !path.starts_with("//") {
        Ok(path.to_owned())
    } else {
        Err(ExchangeError::Misunderstood("an upload address elsewhere"))
    }
}

/// The last part of an upload's address is its id.
pub fn id_of(url: &str) -> &str {
    url.trim_end_matches('/').rsplit('/').next().unwrap_or(url)
}

#[cfg(test)]
#[path = "tus_tests.rs"]
mod tests;
