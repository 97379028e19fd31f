//! The HTTPS server of the sink: TLS 1.3, HTTP/1.1, bounded in connections, time and bytes.

use std::convert::Infallible;
use std::future::Future;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

use super::keeper::Keeper;
use super::receive::Receiving;
use super::{Receiver, SinkError, SinkOptions, Summary};

/// Connections at a time; more wait in the kernel's queue.
const CONNECTIONS: usize = 64;
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// For the head of a request, and for an idle connection.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Quiet time after which the members are written; longer once writing takes longer.
const IDLE: Duration = Duration::from_millis(250);
/// That time at most.
const LONGEST_IDLE: Duration = Duration::from_secs(5);
/// Time for messages under way when the sink ends.
const GRACE: Duration = Duration::from_secs(10);

/// A sink that listens but does not answer yet.
pub struct Sink {
    listener: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
    receiving: Arc<Receiving>,
}

impl Sink {
    /// Reads the state, checks the keys and takes the port.
    ///
    /// # Errors
    /// See [`SinkError`].
    pub async fn bind(options: SinkOptions) -> Result<Sink, SinkError> {
        let tls = acceptor(&options.receiver)?;
        let out = options.out.clone();
        let keeper = tokio::task::spawn_blocking(move || Keeper::open(&out));
        let keeper = keeper.await.map_err(io::Error::other)??;
        let listener = TcpListener::bind(options.listen).await;
        let listener = listener.map_err(|error| SinkError::Listen(options.listen, error))?;
        let address = listener.local_addr()?;
        if let Some(file) = &options.ready_file {
            write_address(file, address)?;
        }
        Ok(Sink {
            address,
            listener,
            tls,
            receiving: Arc::new(Receiving::new(options, keeper)),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` ends, then finishes what is under way and writes the members.
    ///
    /// # Errors
    /// The members cannot be written at the end. (While it runs, that is logged and tried again.)
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<Summary, SinkError> {
        let receiving = self.receiving.clone();
        // After a crash the file may lack what the journal has.
        receiving.changed.notify_one();
        let reporter = AbortOnDropHandle::new(tokio::spawn(report_when_idle(receiving.clone())));
        self.accept_until(shutdown).await;
        reporter.abort();
        let _ = reporter.await;
        let finish = tokio::task::spawn_blocking(move || {
            let mut keeper = receiving.keeper();
            keeper.write_report()?;
            Ok::<_, io::Error>(Summary {
                applied: receiving.applied.load(Ordering::Relaxed),
                repeated: receiving.repeated.load(Ordering::Relaxed),
                unreadable: receiving.unreadable.load(Ordering::Relaxed),
                members: keeper.count(),
            })
        });
        let summary = finish.await.map_err(io::Error::other)?;
        Ok(summary?)
    }

    async fn accept_until(self, shutdown: impl Future<Output = ()>) {
        let connections = Arc::new(Semaphore::new(CONNECTIONS));
        let graceful = GracefulShutdown::new();
        // Ends with this future, so that a sink that is dropped answers nothing more.
        let mut tasks = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            let next = async {
                let permit = connections.clone().acquire_owned().await.ok()?;
                let stream = self.listener.accept().await;
                Some((permit, stream))
            };
            let (permit, stream) = tokio::select! {
                () = &mut shutdown => break,
                next = next => match next {
                    Some((permit, Ok((stream, _)))) => (permit, stream),
                    // Out of file descriptors, or the peer is gone again: neither is the listener's end.
                    Some((_, Err(_))) => {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                    None => break,
                },
            };
            let tls = self.tls.clone();
            let receiving = self.receiving.clone();
            while tasks.try_join_next().is_some() {}
            tasks.spawn(serve_one(
                stream,
                tls,
                receiving,
                graceful.watcher(),
                permit,
            ));
        }
        drop(self.listener);
        let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    }
}

async fn serve_one(
    stream: TcpStream,
    tls: TlsAcceptor,
    receiving: Arc<Receiving>,
    watcher: hyper_util::server::graceful::Watcher,
    _permit: OwnedSemaphorePermit,
) {
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await else {
        return;
    };
    let service = service_fn(move |request| {
        let receiving = receiving.clone();
        async move { Ok::<_, Infallible>(receiving.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_headers(64)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let _ = watcher.watch(connection).await;
}

/// Writes the members once no message has come for a second.
async fn report_when_idle(receiving: Arc<Receiving>) {
    let mut idle = IDLE;
    loop {
        receiving.changed.notified().await;
        while tokio::time::timeout(idle, receiving.changed.notified())
            .await
            .is_ok()
        {}
        let start = Instant::now();
        let writing = receiving.clone();
        let written = tokio::task::spawn_blocking(move || writing.keeper().write_report()).await;
        idle = (2 * start.elapsed()).clamp(IDLE, LONGEST_IDLE);
        if !matches!(written, Ok(Ok(()))) {
            tracing::error!("the members cannot be written; trying again after the next message");
        }
    }
}

/// Whoever waits for the file never sees it half written.
pub(crate) fn write_address(file: &Path, address: SocketAddr) -> io::Result<()> {
    let directory = file.parent().filter(|path| !path.as_os_str().is_empty());
    let mut new = tempfile::NamedTempFile::new_in(directory.unwrap_or(Path::new(".")))?;
    writeln!(new, "{address}")?;
    new.persist(file).map_err(|error| error.error)?;
    Ok(())
}

/// TLS 1.3 alone: the service speaks it.
pub(crate) fn acceptor(receiver: &Receiver) -> Result<TlsAcceptor, SinkError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(receiver.certificate_pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| SinkError::Certificate)?;
    let key = PrivateKeyDer::from_pem_slice(receiver.key_pem.as_bytes())
        .map_err(|_| SinkError::Certificate)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|_| SinkError::Certificate)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|_| SinkError::Certificate)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
