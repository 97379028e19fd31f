//! The HTTPS server of the desk: `/dsrdelete.json` and one address for requests; bounded in connections,
//! time and bytes. TLS 1.3, or 1.2 for peers that have nothing better.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use tamis_protocols::ddrf::{Discovery, RESOURCE, TOKEN_MAX};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::{Desk, DsrError};

/// Connections at a time; more wait in the kernel's queue.
const CONNECTIONS: usize = 64;
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// For the head of a request, and for an idle connection.
const HEAD_TIME: Duration = Duration::from_secs(20);
/// For a body to arrive.
const BODY_TIME: Duration = Duration::from_secs(20);
/// Where requests are posted.
const REQUESTS: &str = "/dsr";

/// Certificate chain and private key, PEM.
///
/// No `Debug`: it holds a private key.
pub struct Certificate {
    /// The certificates, leaf first.
    pub chain_pem: Vec<u8>,
    /// The private key.
    pub key_pem: zeroize::Zeroizing<Vec<u8>>,
}

/// A server that listens but does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
}

impl Server {
    /// Checks the certificate and takes the port.
    ///
    /// # Errors
    /// Either cannot be had.
    pub async fn bind(listen: SocketAddr, certificate: &Certificate) -> Result<Server, DsrError> {
        let tls = acceptor(certificate)?;
        let failed = |error: std::io::Error| DsrError::File(listen.to_string(), error.to_string());
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Server {
            listener,
            address,
            tls,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` ends. `root` is how peers reach this server: `https://` and a host.
    pub async fn serve(self, desk: Arc<Desk>, root: &str, shutdown: impl Future<Output = ()>) {
        let endpoint = format!("{}{REQUESTS}", root.trim_end_matches('/'));
        let published: Arc<Discovery> = Arc::new(desk.discovery(&endpoint));
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        // Ends with this future: nothing is acknowledged that is not kept.
        let mut tasks = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            let next = async {
                let permit = connections.clone().acquire_owned().await;
                (permit, self.listener.accept().await)
            };
            let (permit, stream) = tokio::select! {
                () = &mut shutdown => return,
                next = next => next,
            };
            let (Ok(permit), Ok((stream, _))) = (permit, stream) else {
                // Out of file descriptors, or the peer is gone again: neither is the listener's end.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (tls, desk, published) = (self.tls.clone(), desk.clone(), published.clone());
            while tasks.try_join_next().is_some() {}
            tasks.spawn(async move {
                serve_one(stream, tls, desk, published).await;
                drop(permit);
            });
        }
    }
}

async fn serve_one(
    stream: TcpStream,
    tls: TlsAcceptor,
    desk: Arc<Desk>,
    published: Arc<Discovery>,
) {
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await else {
        return;
    };
    let service = service_fn(move |request| {
        let (desk, published) = (desk.clone(), published.clone());
        async move { Ok::<_, Infallible>(respond(request, &desk, &published).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_headers(64)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let _ = connection.await;
}

async fn respond(
    request: Request<Incoming>,
    desk: &Desk,
    published: &Discovery,
) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, RESOURCE) => {
            let body = serde_json::to_string(published).unwrap_or_default();
            json(StatusCode::OK, body)
        }
        (&Method::POST, REQUESTS) => {
            // Room for the longest token and the little around it.
            let body = Limited::new(request.into_body(), 2 * TOKEN_MAX).collect();
            match tokio::time::timeout(BODY_TIME, body).await {
                Ok(Ok(body)) => {
                    let answer = desk.answer(&body.to_bytes()).await;
                    let status = StatusCode::from_u16(answer.status);
                    json(status.unwrap_or(StatusCode::BAD_REQUEST), answer.body)
                }
                Ok(Err(_)) => empty(StatusCode::PAYLOAD_TOO_LARGE),
                Err(_) => empty(StatusCode::REQUEST_TIMEOUT),
            }
        }
        (_, RESOURCE) => allowing("GET"),
        (_, REQUESTS) => allowing("POST"),
        _ => empty(StatusCode::NOT_FOUND),
    }
}

fn json(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

fn allowing(method: &'static str) -> Response<Full<Bytes>> {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    let method = HeaderValue::from_static(method);
    response.headers_mut().insert(ALLOW, method);
    response
}

fn acceptor(certificate: &Certificate) -> Result<TlsAcceptor, DsrError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&certificate.chain_pem)
        .collect::<Result<_, _>>()
        .map_err(|_| DsrError::Certificate)?;
    let key =
        PrivateKeyDer::from_pem_slice(&certificate.key_pem).map_err(|_| DsrError::Certificate)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|_| DsrError::Certificate)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|_| DsrError::Certificate)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
