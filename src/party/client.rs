//! The HTTPS client of a party: TLS 1.3 only, the operator's private authority as its only root, its
//! own certificate as its only credential, no proxy and no redirects.
//!
//! Flow: a command opens the party home, builds one client from it, and asks typed questions; answers
//! are the documents of `protocols/wire/api`, failures are RFC 9457 problems turned into
//! [`ExchangeError`]. Idempotent questions are repeated with backoff, others only if they were never sent.
//! The service learns what a question says; nobody else learns anything (RFC 8446, RFC 9457).

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tamis_protocols::wire::api::Problem;

use super::exchange::backoff::{Backoff, Starting};
use super::exchange::error::ExchangeError;
use super::exchange::membership::Membership;

/// Time to reach the service before it counts as unreachable.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest silence in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(60);
/// Repetitions of an idempotent question.
const ATTEMPTS: u32 = 5;
/// Largest answer read into memory, in bytes; tiles and views are far smaller.
const ANSWER_LIMIT: usize = 16 << 20;

/// A connection pool to one service, as one party or as nobody.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Arc<str>,
    /// Whether the service has answered at least once.
    reached: Arc<AtomicBool>,
}

impl Client {
    /// A client with no certificate: good for an enrolment and for nothing else. `url` is the service's
    /// `https://` address, `ca_pem` the authority of the invitation.
    pub fn anonymous(url: &str, ca_pem: &str) -> Result<Self, ExchangeError> {
        let tls = tls_builder(ca_pem)?.with_no_client_auth();
        Self::over(url, tls)
    }

    /// The client of an enrolled party, from the files that enrolment left in `home`.
    pub fn enrolled(home: &Path, membership: &Membership) -> Result<Self, ExchangeError> {
        let (chain_pem, key_pem) = membership.credential(home)?;
        let chain = CertificateDer::pem_slice_iter(&chain_pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| ExchangeError::Home("the client certificate cannot be read".into()))?;
        let key = PrivateKeyDer::from_pem_slice(&key_pem)
            .map_err(|_| ExchangeError::Home("the client key cannot be read".into()))?;
        let tls = tls_builder(&membership.ca_pem)?
            .with_client_auth_cert(chain, key)
            .map_err(|_| {
                ExchangeError::Home("certificate and key do not belong together".into())
            })?;
        Self::over(&membership.url, tls)
    }

    /// A client without TLS, to test conversations against a server on loopback.
    #[cfg(test)]
    pub(crate) fn plain(base: &str) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Client {
            http: reqwest::Client::builder()
                .no_proxy()
                .build()
                .unwrap_or_default(),
            base: base.into(),
            reached: Arc::default(),
        }
    }

    fn over(url: &str, mut tls: rustls::ClientConfig) -> Result<Self, ExchangeError> {
        let base = url.trim_end_matches('/');
        if !base.starts_with("https://") {
            return Err(ExchangeError::Invitation("its address is not https"));
        }
        // One question at a time on a few connections: HTTP/1.1 moves an upload faster than one HTTP/2 stream.
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .user_agent(concat!("tamis/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| ExchangeError::Invitation("its authority cannot be used"))?;
        Ok(Client {
            http,
            base: base.into(),
            reached: Arc::default(),
        })
    }

    /// The service's address, without a trailing slash.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `GET path` as a document.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ExchangeError> {
        document(self.repeat(|| self.request(Method::GET, path)).await?).await
    }

    /// `GET path` as bytes; `None` where the service has nothing.
    pub async fn get_bytes(&self, path: &str) -> Result<Option<Vec<u8>>, ExchangeError> {
        match self.repeat(|| self.request(Method::GET, path)).await {
            Ok(answer) => Ok(Some(body(answer).await?)),
            Err(ExchangeError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `PUT path` with a document; idempotent, so repeated.
    pub async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        say: &impl Serialize,
    ) -> Result<T, ExchangeError> {
        document(
            self.repeat(|| self.request(Method::PUT, path).json(say))
                .await?,
        )
        .await
    }

    /// `POST path` with a document; repeated only while it could not have arrived.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        say: &impl Serialize,
    ) -> Result<T, ExchangeError> {
        let request = || self.request(Method::POST, path).json(say);
        let unsent = |error: &ExchangeError| matches!(error, ExchangeError::Unreachable { .. });
        document(self.attempt(request, unsent).await?).await
    }

    /// `POST path` with no body.
    pub async fn post_empty<T: DeserializeOwned>(&self, path: &str) -> Result<T, ExchangeError> {
        self.post(path, &serde_json::json!({})).await
    }

    /// `DELETE path`: what the service says is left of it, or none (204). Repeated only while it could not
    /// have arrived.
    pub async fn delete<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, ExchangeError> {
        let request = || self.request(Method::DELETE, path);
        let unsent = |error: &ExchangeError| matches!(error, ExchangeError::Unreachable { .. });
        let answer = self.attempt(request, unsent).await?;
        match answer.status() {
            StatusCode::NO_CONTENT => Ok(None),
            _ => Ok(Some(document(answer).await?)),
        }
    }

    /// A request to a path of this service, or to an absolute address of the same service (tus `Location`).
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with('/') {
            format!("{}{path}", self.base)
        } else {
            path.to_owned()
        };
        self.http.request(method, url)
    }

    /// One attempt: a 2xx answer or an error.
    pub(crate) async fn once(&self, request: RequestBuilder) -> Result<Response, ExchangeError> {
        let answer = request
            .send()
            .await
            .map_err(|error| ExchangeError::from_transport(&self.base, &error))?;
        self.reached.store(true, Ordering::Relaxed);
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(refusal(answer).await)
    }

    /// Attempts with backoff while the failure may pass.
    async fn repeat(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response, ExchangeError> {
        self.attempt(request, ExchangeError::may_pass).await
    }

    /// Attempts with backoff while `again` allows it. A service that has never answered may be starting:
    /// a connection that it does not accept is tried again for about three seconds.
    async fn attempt(
        &self,
        request: impl Fn() -> RequestBuilder,
        again: impl Fn(&ExchangeError) -> bool,
    ) -> Result<Response, ExchangeError> {
        let mut starting = Starting::now();
        let mut backoff = Backoff::new(ATTEMPTS);
        loop {
            match self.once(request()).await {
                Err(error @ ExchangeError::Unreachable { .. })
                    if !self.reached.load(Ordering::Relaxed) =>
                {
                    starting.pause(error).await?;
                }
                Err(error) if again(&error) => {
                    let after = error.retry_after();
                    backoff.pause(error, after).await?;
                }
                other => return other,
            }
        }
    }
}

fn tls_builder(
    ca_pem: &str,
) -> Result<
    rustls::ConfigBuilder<rustls::ClientConfig, rustls::client::WantsClientCert>,
    ExchangeError,
> {
    let unusable = || ExchangeError::Invitation("its authority cannot be read");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots
            .add(certificate.map_err(|_| unusable())?)
            .map_err(|_| unusable())?;
    }
    if roots.is_empty() {
        return Err(unusable());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|_| unusable())?
        .with_root_certificates(roots))
}

async fn refusal(answer: Response) -> ExchangeError {
    let status = answer.status().as_u16();
    let after = answer
        .headers()
        .get(reqwest::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .map(Duration::from_secs);
    let problem = body(answer)
        .await
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Problem>(&bytes).ok());
    let title = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("an error without a name");
    match problem {
        Some(problem) => ExchangeError::Refused {
            status,
            code: problem
                .kind
                .strip_prefix("urn:tamis:problem:")
                .unwrap_or(&problem.kind)
                .to_owned(),
            said: problem.detail.unwrap_or(problem.title),
            after,
        },
        None => ExchangeError::Refused {
            status,
            code: String::new(),
            said: title.to_owned(),
            after,
        },
    }
}

async fn document<T: DeserializeOwned>(answer: Response) -> Result<T, ExchangeError> {
    serde_json::from_slice(&body(answer).await?)
        .map_err(|_| ExchangeError::Misunderstood("a document of another shape"))
}

/// Reads a body of at most [`ANSWER_LIMIT`] bytes.
async fn body(mut answer: Response) -> Result<Vec<u8>, ExchangeError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(|_| ExchangeError::Misunderstood("an answer cut short"))?
    {
        if bytes.len() + chunk.len() > ANSWER_LIMIT {
            return Err(ExchangeError::Misunderstood("an answer too long"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
