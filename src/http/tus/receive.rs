//! The body of one `PATCH`: from the connection into the upload, piece by piece.
//!
//! Memory: one frame of the connection at a time. Time: a piece must come within `idle`, and after
//! that long the mean rate must hold. However the body ends early (cut, too slow, the service stops),
//! what arrived is kept; with a checksum, which cannot be judged then, it is discarded.

use std::future::Future;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::super::limits::Limits;
use super::super::metrics;
use super::super::problem::Problem;
use super::headers::Checksum;
use crate::service::{ServiceError, UploadWriter};

/// Where an upload's bytes go: the service's writer, or a test's.
pub trait Sink: Send {
    /// From here all bytes stay or none, also through a crash; called before the first of them.
    fn all_or_nothing(&mut self) -> impl Future<Output = Result<(), ServiceError>> + Send;
    /// Takes the next bytes.
    fn append(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), ServiceError>> + Send;
    /// Makes durable what was appended; gives the upload's new offset.
    fn commit(self) -> impl Future<Output = Result<u64, ServiceError>> + Send;
    /// Discards what was appended.
    fn rollback(self) -> impl Future<Output = Result<(), ServiceError>> + Send;
}

impl Sink for UploadWriter {
    async fn all_or_nothing(&mut self) -> Result<(), ServiceError> {
        UploadWriter::all_or_nothing(self).await
    }

    async fn append(&mut self, bytes: &[u8]) -> Result<(), ServiceError> {
        UploadWriter::append(self, bytes).await
    }

    async fn commit(self) -> Result<u64, ServiceError> {
        UploadWriter::commit(self).await
    }

    async fn rollback(self) -> Result<(), ServiceError> {
        UploadWriter::rollback(self).await
    }
}

/// What one body is held to.
pub struct Bounds {
    /// Bytes that are still missing.
    pub missing: u64,
    /// Longest wait for a piece, and the time before `rate` counts.
    pub idle: Duration,
    /// Mean bytes per second.
    pub rate: u64,
}

impl Bounds {
    /// From the service's limits.
    pub fn new(limits: &Limits, missing: u64) -> Self {
        Bounds {
            missing,
            idle: Duration::from_secs(limits.upload_idle_seconds),
            rate: limits.upload_rate,
        }
    }
}

/// How a body ended.
enum End {
    Complete,
    Cut,
    Slow,
    Stopped,
    TooLong,
}

/// Appends `body` to `sink`; gives the upload's new offset.
pub async fn receive<B>(
    body: B,
    mut sink: impl Sink,
    bounds: &Bounds,
    mut checksum: Option<Checksum>,
    stop: &CancellationToken,
) -> Result<u64, Problem>
where
    B: Body<Data = Bytes> + Send + Unpin,
{
    if checksum.is_some() {
        sink.all_or_nothing().await?;
    }
    let end = read(body, &mut sink, bounds, &mut checksum, stop).await?;
    let has_checksum = checksum.is_some();
    let is_wrong = checksum.is_some_and(|checksum| !checksum.holds());
    match end {
        End::Complete if is_wrong => {
            sink.rollback().await?;
            Err(mismatch())
        }
        End::Complete => Ok(sink.commit().await?),
        End::TooLong => {
            sink.rollback().await?;
            Err(too_long())
        }
        early if has_checksum => {
            sink.rollback().await?;
            Err(explain(&early))
        }
        early => {
            sink.commit().await?;
            Err(explain(&early))
        }
    }
}

async fn read<B>(
    mut body: B,
    sink: &mut impl Sink,
    bounds: &Bounds,
    checksum: &mut Option<Checksum>,
    stop: &CancellationToken,
) -> Result<End, Problem>
where
    B: Body<Data = Bytes> + Send + Unpin,
{
    let begun = Instant::now();
    let mut received = 0_u64;
    loop {
        let next = tokio::select! {
            () = stop.cancelled() => return Ok(End::Stopped),
            next = timeout(bounds.idle, body.frame()) => next,
        };
        let bytes = match next {
            Err(_) => return Ok(End::Slow),
            Ok(None) => return Ok(End::Complete),
            Ok(Some(Err(_))) => return Ok(End::Cut),
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        };
        received = received.saturating_add(bytes.len() as u64);
        if received > bounds.missing {
            return Ok(End::TooLong);
        }
        if let Some(checksum) = checksum {
            checksum.update(&bytes);
        }
        sink.append(&bytes).await?;
        metrics::uploaded(bytes.len() as u64);
        let elapsed = begun.elapsed();
        if elapsed > bounds.idle && received < bounds.rate.saturating_mul(elapsed.as_secs()) {
            return Ok(End::Slow);
        }
    }
}

/// The bytes do not have the checksum that came with them.
fn mismatch() -> Problem {
    // 460 is tus's own status: no constant, and never an invalid one.
    let status = StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST);
    Problem::new(
        status,
        "checksum_mismatch",
        "The bytes do not have the checksum that came with them.",
    )
    .because("They were discarded. Send them again from the same offset.")
}

/// More bytes than the upload's length leaves room for.
pub fn too_long() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "upload_too_long",
        "More bytes came than the upload's length leaves room for.",
    )
    .because("They were discarded. Ask with HEAD for the offset.")
}

fn explain(end: &End) -> Problem {
    let resume = "Ask with HEAD for the offset, and go on from there.";
    match end {
        End::Slow => Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "upload_too_slow",
            "The bytes came too slowly.",
        ),
        End::Stopped => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "The service is stopping.",
        ),
        _ => Problem::new(
            StatusCode::BAD_REQUEST,
            "body_cut",
            "The body ended before it was complete.",
        ),
    }
    .because(resume)
}

#[cfg(test)]
mod tests;
