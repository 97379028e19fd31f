//! Whom the party deals with: other companies by their domains, their resources, and the way to them.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Response, Url};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use serde_json::{Value, json};
use tamis_protocols::ddrf::{DISCOVERY_MAX, Discovery, RESOURCE, TOKEN_MAX, is_domain};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::DsrError;

/// Time to reach a peer, and for its whole answer.
const CONNECT: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(30);
/// A resource is believed for so long, and fetched again at most so often.
const KEPT: Duration = Duration::from_secs(3600);
const PAUSE: Duration = Duration::from_secs(60);

/// A company: its domain, and where its root is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// As it stands in `iss`.
    pub domain: String,
    /// `https://` and a host; usually the domain itself.
    pub root: String,
}

impl FromStr for Peer {
    type Err = DsrError;

    /// `DOMAIN`, `https://DOMAIN`, or `DOMAIN=https://HOST` where its resource is elsewhere.
    fn from_str(text: &str) -> Result<Self, DsrError> {
        let wrong = || DsrError::Peer(text.to_owned());
        let (domain, root) = match text.split_once('=') {
            Some((domain, root)) => (domain, root.to_owned()),
            None => {
                let domain = text.strip_prefix("https://").unwrap_or(text);
                let domain = domain.trim_end_matches('/');
                (domain, format!("https://{domain}"))
            }
        };
        let root = root.trim_end_matches('/').to_owned();
        let url = Url::parse(&root).ok().filter(|url| {
            url.scheme() == "https" && url.has_host() && url.path() == "/" && url.query().is_none()
        });
        match is_domain(domain) && url.is_some() {
            true => Ok(Peer {
                domain: domain.to_owned(),
                root,
            }),
            false => Err(wrong()),
        }
    }
}

/// The peers of a party. No proxy, no redirects, TLS 1.2 or 1.3.
pub struct Peers {
    peers: BTreeMap<String, Peer>,
    http: reqwest::Client,
    known: Mutex<BTreeMap<String, (Instant, Discovery)>>,
}

impl Peers {
    /// Peers, and the only authorities to trust for them, PEM; none: the public ones.
    ///
    /// # Errors
    /// The authorities cannot be used.
    pub fn new(
        peers: impl IntoIterator<Item = Peer>,
        authorities: Option<&str>,
    ) -> Result<Peers, DsrError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(authorities)?)
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            .user_agent(concat!("tamis/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| DsrError::Authorities)?;
        let named = peers.into_iter().map(|peer| (peer.domain.clone(), peer));
        Ok(Peers {
            peers: named.collect(),
            http,
            known: Mutex::default(),
        })
    }

    /// What a peer published. `again`: also if it was asked a while ago, because a key of it is not known.
    ///
    /// # Errors
    /// [`DsrError::Stranger`] for any other domain, which is not asked; else it cannot be reached, or what it
    /// publishes is not of the framework or leads elsewhere.
    pub async fn discovery(&self, domain: &str, again: bool) -> Result<Discovery, DsrError> {
        let peer = self.peers.get(domain).ok_or(DsrError::Stranger)?;
        // Held while it is asked: one question for all who wait.
        let mut known = self.known.lock().await;
        let lasts = if again { PAUSE } else { KEPT };
        if let Some((at, found)) = known.get(domain)
            && at.elapsed() < lasts
        {
            return Ok(found.clone());
        }
        let request = self.http.get(format!("{}{RESOURCE}", peer.root));
        let answer = request.send().await;
        let answer = answer.map_err(|_| DsrError::Unreachable(domain.to_owned()))?;
        let wrong = || DsrError::Misunderstood(domain.to_owned());
        if !answer.status().is_success() {
            return Err(wrong());
        }
        let bytes = body(answer, DISCOVERY_MAX).await.ok_or_else(wrong)?;
        let found = Discovery::parse(&bytes).ok_or_else(wrong)?;
        if !peer.owns(&found.endpoint) {
            return Err(wrong());
        }
        known.insert(domain.to_owned(), (Instant::now(), found.clone()));
        Ok(found)
    }

    /// Posts a request to a peer: the answer's token, whatever it says.
    ///
    /// # Errors
    /// As for [`Peers::discovery`].
    pub async fn ask(&self, domain: &str, rq_jwt: &str) -> Result<String, DsrError> {
        let found = self.discovery(domain, false).await?;
        let request = self.http.post(&found.endpoint);
        let answer = request.json(&json!({ "rqJWT": rq_jwt })).send().await;
        let answer = answer.map_err(|_| DsrError::Unreachable(domain.to_owned()))?;
        if !matches!(answer.status().as_u16(), 202 | 400) {
            return Err(DsrError::Unreachable(domain.to_owned()));
        }
        let wrong = || DsrError::Misunderstood(domain.to_owned());
        let bytes = body(answer, 4 * TOKEN_MAX).await.ok_or_else(wrong)?;
        let document: Value = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
        let token = document.get("acJWT").and_then(Value::as_str);
        token.map(str::to_owned).ok_or_else(wrong)
    }
}

impl Peer {
    /// Whether an address is at the peer's own root or below its domain.
    fn owns(&self, endpoint: &str) -> bool {
        let (Ok(endpoint), Ok(root)) = (Url::parse(endpoint), Url::parse(&self.root)) else {
            return false;
        };
        let host = endpoint.host_str().unwrap_or_default();
        let same = host == root.host_str().unwrap_or_default();
        let below = host
            .strip_suffix(self.domain.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        endpoint.scheme() == "https" && (same || below)
    }
}

/// A body of at most `most` bytes.
async fn body(mut answer: Response, most: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        if bytes.len() + chunk.len() > most {
            return None;
        }
        bytes.extend_from_slice(&chunk);
    }
    Some(bytes)
}

fn tls(authorities: Option<&str>) -> Result<ClientConfig, DsrError> {
    let failed = |_| DsrError::Authorities;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone());
    let builder = builder
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(failed)?;
    let builder = match authorities {
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|_| DsrError::Authorities)?;
                roots.add(certificate).map_err(failed)?;
            }
            if roots.is_empty() {
                return Err(DsrError::Authorities);
            }
            builder.with_root_certificates(roots)
        }
        None => {
            let verifier = Verifier::new(provider).map_err(failed)?;
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
