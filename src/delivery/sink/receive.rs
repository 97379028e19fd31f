//! One message, from its bytes to the answer.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use tamis_keys::{Secret, purpose};
use tamis_protocols::wire::delivery::{MAX_BODY, Message};
use tokio::sync::{Notify, Semaphore};

use super::keeper::Keeper;
use super::members::Verdict;
use super::{capture, labels};
use crate::delivery::signature::{self, Headers};
use crate::domain::clock::Clock;

/// Messages worked on at a time.
const AT_ONCE: usize = 4;
/// From the head of a request to its last byte.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Everything a message meets.
pub(super) struct Receiving {
    pub(super) name: String,
    pub(super) secrets: Vec<Secret<purpose::Webhook>>,
    pub(super) sealing: Option<Secret<purpose::Sealing>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) capture: Option<PathBuf>,
    keeper: Mutex<Keeper>,
    slots: Semaphore,
    /// Rung whenever members may have changed.
    pub(super) changed: Notify,
    pub(super) applied: AtomicU64,
    pub(super) repeated: AtomicU64,
    pub(super) unreadable: AtomicU64,
}

/// An answer that is not an acknowledgement, with words for the integrator.
type Refusal = (StatusCode, &'static str);

impl Receiving {
    pub(super) fn new(options: super::SinkOptions, keeper: Keeper) -> Self {
        Receiving {
            name: options.name,
            secrets: options.secrets,
            sealing: options.sealing,
            clock: options.clock,
            capture: options.capture,
            keeper: Mutex::new(keeper),
            slots: Semaphore::new(AT_ONCE),
            changed: Notify::new(),
            applied: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            unreadable: AtomicU64::new(0),
        }
    }

    /// The state. A panic while it was held cannot have left it half applied on disk.
    pub(super) fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a request; never fails.
    pub(super) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Response<Full<Bytes>> {
        let outcome = self.receive(request).await;
        let (status, words) = outcome.unwrap_or_else(|refusal| refusal);
        if !status.is_success() {
            tracing::warn!(status = status.as_u16(), "message not taken: {words}");
        }
        let mut response = Response::new(Full::from(words));
        *response.status_mut() = status;
        response.headers_mut().insert(
            CONTENT_TYPE,
            hyper::header::HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        response
    }

    async fn receive(self: Arc<Self>, request: Request<Incoming>) -> Result<Refusal, Refusal> {
        if request.method() != Method::POST {
            return Err((
                StatusCode::METHOD_NOT_ALLOWED,
                "messages are sent with POST",
            ));
        }
        let (head, body) = request.into_parts();
        let declared = header(&head.headers, CONTENT_LENGTH.as_str());
        if declared.and_then(|text| text.parse().ok()) > Some(MAX_BODY) {
            return Err(TOO_LONG);
        }
        // Strangers do not get as far as sending a body.
        signed(&head.headers).ok_or(UNSIGNED)?;
        let body = Limited::new(body, MAX_BODY).collect();
        let body = tokio::time::timeout(BODY_TIME, body)
            .await
            .map_err(|_| {
                (
                    StatusCode::REQUEST_TIMEOUT,
                    "the body did not arrive in time",
                )
            })?
            .map_err(
                |error| match error.is::<http_body_util::LengthLimitError>() {
                    true => TOO_LONG,
                    false => (StatusCode::BAD_REQUEST, "the body ends before its end"),
                },
            )?
            .to_bytes();
        let slot = self.slots.acquire().await;
        let _slot = slot.map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, "the sink is ending"))?;
        let this = self.clone();
        // Opening labels takes a core for a while and the journal waits for the disk.
        tokio::task::spawn_blocking(move || this.take(&head.headers, &body))
            .await
            .map_err(|_| {
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the message could not be handled",
                )
            })?
    }

    /// Verifies, reads, opens, journals and applies one message.
    fn take(&self, headers: &HeaderMap, body: &[u8]) -> Result<Refusal, Refusal> {
        let signed = signed(headers).ok_or(UNSIGNED)?;
        signature::verify(&self.secrets, signed, body, self.clock.now()).map_err(|rejection| {
            tracing::warn!("message rejected: {rejection}");
            UNSIGNED
        })?;
        if let Some(directory) = &self.capture
            && capture::first(directory, headers, body).is_err()
        {
            tracing::warn!("the message could not be captured");
        }
        let message = Message::from_bytes(body).map_err(|error| {
            tracing::warn!("message not understood: {error}");
            (
                StatusCode::BAD_REQUEST,
                "the body is not a delivery message",
            )
        })?;
        if message.id() != signed.id {
            let words = "webhook-id is not that of the body's batch";
            return Err((StatusCode::BAD_REQUEST, words));
        }
        let mut data = message.data;
        if data.destination != self.name {
            let words = "the message is for another destination";
            return Err((StatusCode::BAD_REQUEST, words));
        }
        let verdict = self.keeper().judge(&data);
        if verdict != Verdict::Next {
            return self.conclude(verdict);
        }
        let opened = labels::open(&mut data, self.sealing.as_ref());
        let opened = opened.map_err(|_| {
            let words = "no label opens with this destination's key";
            (StatusCode::UNPROCESSABLE_ENTITY, words)
        })?;
        let unreadable = opened.unreadable;
        let verdict = self.keeper().accept(data, opened).map_err(|error| {
            tracing::error!(kind = %error.kind(), "the journal cannot be written");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the message could not be kept",
            )
        })?;
        if verdict == Verdict::Next {
            self.unreadable.fetch_add(unreadable, Ordering::Relaxed);
        }
        self.conclude(verdict)
    }

    fn conclude(&self, verdict: Verdict) -> Result<Refusal, Refusal> {
        match verdict {
            Verdict::Next => {
                self.applied.fetch_add(1, Ordering::Relaxed);
                self.changed.notify_one();
                Ok((StatusCode::OK, "applied"))
            }
            Verdict::Repeated => {
                self.repeated.fetch_add(1, Ordering::Relaxed);
                Ok((StatusCode::OK, "applied before"))
            }
            Verdict::Early => Err((StatusCode::CONFLICT, "an earlier batch is missing")),
            Verdict::Beyond => {
                let words = "the delivery has ended before this batch";
                Err((StatusCode::UNPROCESSABLE_ENTITY, words))
            }
        }
    }
}

const TOO_LONG: Refusal = (
    StatusCode::PAYLOAD_TOO_LARGE,
    "the body is longer than 2 MiB",
);
/// One answer for everything about signatures; the log says which.
const UNSIGNED: Refusal = (
    StatusCode::UNAUTHORIZED,
    "the signature or its time is not accepted",
);

/// The three headers of a signed message.
fn signed(headers: &HeaderMap) -> Option<Headers<'_>> {
    Some(Headers {
        id: header(headers, signature::ID)?,
        timestamp: header(headers, signature::TIMESTAMP)?,
        signature: header(headers, signature::SIGNATURE)?,
    })
}

/// A header's one value.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}
