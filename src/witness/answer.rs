//! One request, one answer: the status codes of C2SP tlog-witness.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Body;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tamis_protocols::transparency::{MAX_REQUEST, SIZE_TYPE, Verdict, Witness, WitnessKey};

use super::memory::Memory;
use super::{Directory, WitnessError};
use crate::domain::clock::Clock;

/// For the whole of a request.
const PATIENCE: Duration = Duration::from_secs(10);

/// A witness that can answer.
pub struct Watch {
    key: WitnessKey,
    logs: Witness,
    memories: Vec<Memory>,
    clock: Arc<dyn Clock>,
    _lock: File,
}

impl Watch {
    /// Reads what was seen, and takes the directory's lock.
    ///
    /// # Errors
    /// See [`WitnessError`]; above all [`WitnessError::Forgotten`].
    pub fn open(directory: &Directory, clock: Arc<dyn Clock>) -> Result<Self, WitnessError> {
        Ok(Watch {
            _lock: directory.lock()?,
            key: directory.key()?,
            logs: directory.watched()?,
            memories: directory.memories()?,
            clock,
        })
    }

    /// Judges the body of an `add-checkpoint` request: the verdict, and the signature line if it is to cosign.
    ///
    /// # Errors
    /// What is to be remembered cannot be written: nothing is cosigned.
    pub fn judge(&self, body: &[u8]) -> Result<(Verdict, Option<String>), WitnessError> {
        let known = match self.logs.read(body) {
            Ok(known) => known,
            Err(verdict) => return Ok((verdict, None)),
        };
        let found = self
            .memories
            .iter()
            .find(|one| one.origin == known.origin());
        let Some(memory) = found else {
            return Ok((Verdict::UnknownLog, None));
        };
        let verdict = memory.take(&known)?;
        let line = match &verdict {
            Verdict::Cosign { text, .. } => {
                let time = u64::try_from(self.clock.now().as_second()).unwrap_or_default();
                Some(self.key.cosign(text, time))
            }
            _ => None,
        };
        Ok((verdict, line))
    }

    /// Answers any request.
    pub async fn answer<B>(self: Arc<Self>, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        // Whatever stands before it is the witness's submission prefix.
        if !request.uri().path().ends_with("/add-checkpoint") {
            return plain(StatusCode::NOT_FOUND, "there is only add-checkpoint\n");
        }
        if request.method() != Method::POST {
            let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "");
            let post = HeaderValue::from_static("POST");
            answer.headers_mut().insert(ALLOW, post);
            return answer;
        }
        let body = Limited::new(request.into_body(), MAX_REQUEST).collect();
        let body = match tokio::time::timeout(PATIENCE, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => return plain(StatusCode::BAD_REQUEST, "not a request\n"),
            Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "too slow\n"),
        };
        // On a thread of its own, to the end, even if whoever asked is gone.
        let judged = tokio::task::spawn_blocking(move || self.judge(&body)).await;
        match judged {
            Ok(Ok((verdict, line))) => told(&verdict, line),
            Ok(Err(error)) => {
                tracing::error!(%error, "nothing is cosigned");
                plain(StatusCode::INTERNAL_SERVER_ERROR, "")
            }
            Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, ""),
        }
    }
}

fn told(verdict: &Verdict, line: Option<String>) -> Response<Full<Bytes>> {
    let (status, text) = match verdict {
        Verdict::Cosign { .. } => (StatusCode::OK, line.unwrap_or_default()),
        Verdict::Malformed => (StatusCode::BAD_REQUEST, "not a request\n".to_owned()),
        Verdict::BadSignature => (StatusCode::FORBIDDEN, "not signed by this log\n".to_owned()),
        Verdict::UnknownLog => (StatusCode::NOT_FOUND, "unknown log\n".to_owned()),
        Verdict::Conflict { size } => (StatusCode::CONFLICT, format!("{size}\n")),
        Verdict::BadProof => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "not a continuation\n".to_owned(),
        ),
    };
    let mut answer = plain(status, text);
    if matches!(verdict, Verdict::Conflict { .. }) {
        let kind = HeaderValue::from_static(SIZE_TYPE);
        answer.headers_mut().insert(CONTENT_TYPE, kind);
    }
    answer
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}
