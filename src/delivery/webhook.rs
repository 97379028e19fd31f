//! Sends one message to a destination: HTTPS POST, signed, to a vetted address, without redirects.
//!
//! The flow: [`WebhookSender::open`] vets the endpoint and fixes the connection to the addresses found
//! ([`super::egress`]); [`Session::send`] signs with the time of the attempt and posts. A session is
//! opened per delivery attempt, so a destination that moves is found again at the next.
//!
//! Answers: 2xx acknowledges; 410 refuses for good; everything else is tried again ([`super::backoff`]),
//! because a proxy in front of a destination answers 404, 401 or a redirect on its bad days, and only
//! the destination itself says 410.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};
use tamis_keys::{Secret, purpose::Webhook};

use super::egress::{Egress, EgressError, Vetted};
use super::signature;

pub(super) mod trust;

/// Bytes read of an answer's body, which nobody needs; past them the connection is given up.
const MAX_ANSWER: usize = 16 * 1024;

/// A destination's endpoint, as enrolled.
pub struct Target {
    /// `https://` address.
    pub url: String,
    /// PEM of the only authorities trusted for it; `None`: those of the public web.
    pub ca_pem: Option<String>,
    /// Every secret signs; two while one is being replaced.
    pub secrets: Vec<Secret<Webhook>>,
}

/// The destination has taken the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// HTTP status, 200 to 299.
    pub status: u16,
}

/// The destination has not taken the message, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Try again.
    #[error("{failure}")]
    Retry {
        /// Not earlier than this, if the destination said so.
        after: Option<Duration>,
        /// What happened.
        failure: Failure,
    },
    /// Do not try again: the operator must look.
    #[error("{failure}")]
    Refused {
        /// What happened.
        failure: Failure,
    },
}

/// What happened, in words for the operator. Names no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// An answer that is not an acknowledgement.
    #[error("the destination answered {0}")]
    Status(u16),
    /// A redirect: not followed, because nobody vetted where it leads.
    #[error("the destination answered with a redirect ({0}), which is never followed")]
    Redirect(u16),
    /// See [`EgressError`].
    #[error(transparent)]
    Egress(EgressError),
    /// The enrolled authorities are not certificates, or the machine has none.
    #[error("the authorities for this endpoint cannot be read")]
    Authorities,
    /// The endpoint's certificate does not fit.
    #[error("the endpoint's certificate is not trusted for this name and time")]
    Certificate,
    /// No connection.
    #[error("the endpoint cannot be reached")]
    Unreachable,
    /// No answer in time.
    #[error("the endpoint did not answer in time")]
    Timeout,
    /// The connection broke; the message may have arrived.
    #[error("the connection broke before the answer")]
    Broken,
}

/// How long to wait for a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP and TLS.
    pub connect: Duration,
    /// From the request to the end of the answer.
    pub total: Duration,
}

impl Default for Timeouts {
    /// 10 s and 60 s.
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(60),
        }
    }
}

/// Opens sessions; one per process. Cheap to clone.
#[derive(Clone)]
pub struct WebhookSender {
    egress: Egress,
    timeouts: Timeouts,
}

/// A connection to one destination's vetted addresses.
pub struct Session {
    client: Client,
    url: Url,
    secrets: Vec<Secret<Webhook>>,
}

impl WebhookSender {
    /// A sender behind this guard.
    pub fn new(egress: Egress, timeouts: Timeouts) -> Self {
        WebhookSender { egress, timeouts }
    }

    /// Resolves and vets the endpoint, once, and prepares a client that can connect nowhere else.
    ///
    /// # Errors
    /// Always [`SendError::Retry`]: enrolment checked the form of the endpoint, and names and
    /// certificates can be put right.
    pub async fn open(&self, target: Target) -> Result<Session, SendError> {
        let vetted = self.egress.vet(&target.url).await;
        let vetted = vetted.map_err(|error| retry(Failure::Egress(error)))?;
        let client = client(&vetted, target.ca_pem.as_deref(), self.timeouts).map_err(retry)?;
        Ok(Session {
            client,
            url: vetted.url,
            secrets: target.secrets,
        })
    }

    /// [`WebhookSender::open`] and one [`Session::send`].
    ///
    /// # Errors
    /// As both.
    pub async fn send(
        &self,
        target: Target,
        id: &str,
        now: Timestamp,
        body: Bytes,
    ) -> Result<Ack, SendError> {
        self.open(target).await?.send(id, now, body).await
    }
}

/// A client that can connect to the vetted addresses and nowhere else.
pub(super) fn client(
    vetted: &Vetted,
    ca_pem: Option<&str>,
    timeouts: Timeouts,
) -> Result<Client, Failure> {
    let tls = trust::client_config(ca_pem).map_err(|_| Failure::Authorities)?;
    Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(true)
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .resolve_to_addrs(&vetted.host, &vetted.addresses)
        // Shorter than any server keeps an idle connection: no message is lost to a close.
        .pool_idle_timeout(Duration::from_secs(5))
        .connect_timeout(timeouts.connect)
        .timeout(timeouts.total)
        .user_agent(concat!("tamis/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|_| Failure::Authorities)
}

impl Session {
    /// Signs and posts one message. `now` is the time of this attempt; `id` stays the same.
    ///
    /// # Errors
    /// See [`SendError`]; after any error the message may still have been taken.
    pub async fn send(&self, id: &str, now: Timestamp, body: Bytes) -> Result<Ack, SendError> {
        let timestamp = now.as_second();
        let signature = signature::sign(&self.secrets, id, timestamp, &body);
        let answer = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(signature::ID, id)
            .header(signature::TIMESTAMP, timestamp)
            .header(signature::SIGNATURE, signature)
            .body(body)
            .send()
            .await
            .map_err(|error| retry(failure(&error)))?;
        let status = answer.status();
        let verdict = judge(status, answer.headers(), now);
        drain(answer).await;
        verdict
    }
}

/// What an answer means.
fn judge(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Result<Ack, SendError> {
    let code = status.as_u16();
    match code {
        200..=299 => Ok(Ack { status: code }),
        410 => Err(SendError::Refused {
            failure: Failure::Status(code),
        }),
        300..=399 => Err(retry(Failure::Redirect(code))),
        429 | 503 => Err(SendError::Retry {
            after: retry_after(headers, now),
            failure: Failure::Status(code),
        }),
        _ => Err(retry(Failure::Status(code))),
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110, 10.2.3); anything else counts as not said.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let at = parser.parse_timestamp(text).ok()?;
    Some(at.duration_since(now).try_into().unwrap_or_default())
}

/// Reads a short answer to its end so that the connection can be used again.
async fn drain(mut answer: reqwest::Response) {
    let mut left = MAX_ANSWER;
    while let Ok(Some(chunk)) = answer.chunk().await {
        let Some(rest) = left.checked_sub(chunk.len()) else {
            return;
        };
        left = rest;
    }
}

fn retry(failure: Failure) -> SendError {
    SendError::Retry {
        after: None,
        failure,
    }
}

pub(super) fn failure(error: &reqwest::Error) -> Failure {
    if trust::is_certificate_error(error) {
        Failure::Certificate
    } else if error.is_timeout() {
        Failure::Timeout
    } else if error.is_connect() {
        Failure::Unreachable
    } else {
        Failure::Broken
    }
}

#[cfg(test)]
mod tests;
