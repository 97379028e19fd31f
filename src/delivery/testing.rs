//! What the tests of this room share: names that resolve as told, an endpoint that follows a script.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use tamis_keys::{Entropy, Secret, purpose::Webhook};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::egress::{Egress, Resolver, Resolving};
use super::sink::Receiver;
use super::webhook::{Target, Timeouts, WebhookSender};

/// A name that no resolver knows; certificates of the tests are made for it.
pub(super) const HOST: &str = "dsp.example";

pub(super) fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

pub(super) fn secret() -> Secret<Webhook> {
    Secret::from_bytes([7; 32])
}

pub(super) fn receiver() -> Receiver {
    receiver_for(HOST)
}

pub(super) fn receiver_for(host: &str) -> Receiver {
    Receiver::generate(&[host.to_owned()], real_now()).unwrap()
}

/// TLS looks at the real clock.
#[expect(
    clippy::disallowed_methods,
    reason = "certificates are judged by the real clock"
)]
fn real_now() -> Timestamp {
    Timestamp::now()
}

/// Different bytes at every call, the same in every run.
#[derive(Default)]
pub(super) struct Seeded(AtomicU64);

impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            chunk.copy_from_slice(&Sha256::digest(count.to_le_bytes())[..chunk.len()]);
        }
    }
}

/// Resolves every name to the next of its answers (the last one for ever), and counts.
pub(super) struct Names {
    answers: Vec<IpAddr>,
    pub(super) asked: AtomicU64,
}

impl Names {
    pub(super) fn new(answers: &[&str]) -> Arc<Names> {
        Arc::new(Names {
            answers: answers.iter().map(|ip| ip.parse().unwrap()).collect(),
            asked: AtomicU64::new(0),
        })
    }
}

impl Resolver for Names {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) as usize;
        let answer = self.answers[asked.min(self.answers.len() - 1)];
        Box::pin(async move { Ok(vec![answer]) })
    }
}

/// A sender that may use loopback.
pub(super) fn sender(names: Arc<Names>) -> WebhookSender {
    let egress = Egress::new(names, vec!["127.0.0.0/8".parse().unwrap()]);
    WebhookSender::new(egress, timeouts())
}

pub(super) fn timeouts() -> Timeouts {
    Timeouts {
        connect: Duration::from_secs(5),
        total: Duration::from_secs(20),
    }
}

pub(super) fn target(port: u16, receiver: &Receiver) -> Target {
    Target {
        url: format!("https://{HOST}:{port}/hook?x=1"),
        ca_pem: Some(receiver.certificate_pem.clone()),
        secrets: vec![secret()],
    }
}

/// An HTTPS endpoint that answers every request with the same bytes and then hangs up.
pub(super) struct Scripted {
    pub(super) address: SocketAddr,
    pub(super) connections: Arc<AtomicU64>,
    pub(super) requests: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Scripted {
    pub(super) async fn start(receiver: &Receiver, answer: impl Into<Vec<u8>>) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let script = Scripted {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            requests: Arc::default(),
        };
        let (connections, requests) = (script.connections.clone(), script.requests.clone());
        let (tls, answer) = (acceptor(receiver), answer.into());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let Ok(mut stream) = tls.accept(stream).await else {
                    continue;
                };
                let request = read_request(&mut stream).await;
                requests.lock().unwrap().push(request);
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        });
        script
    }

    pub(super) fn request_count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

/// Head and body of one request.
async fn read_request(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut request = Vec::new();
    while stream.read_buf(&mut request).await.unwrap_or(0) > 0 {
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            break;
        }
    }
    request
}

fn acceptor(receiver: &Receiver) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = CertificateDer::pem_slice_iter(receiver.certificate_pem.as_bytes())
        .collect::<Result<_, _>>()
        .unwrap();
    let key = PrivateKeyDer::from_pem_slice(receiver.key_pem.as_bytes()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
