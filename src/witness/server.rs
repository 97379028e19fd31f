//! The server: TLS 1.3, or plain HTTP on loopback; HTTP/1.1, bounded in connections, time and bytes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::{Directory, Watch, WitnessError};
use crate::delivery::sink::{acceptor, write_address};
use crate::domain::clock::Clock;

/// Connections at a time; more wait in the kernel's queue.
const CONNECTIONS: usize = 64;
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// For the head of a request, and for an idle connection.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// Time for requests under way when the witness ends.
const GRACE: Duration = Duration::from_secs(5);

/// How it is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// TLS with the certificate of its directory.
    Https,
    /// Nothing in between; on loopback alone, behind a proxy or for trials.
    Plain,
}

/// A witness that listens but does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    watch: Arc<Watch>,
}

impl Server {
    /// Reads the memory, checks the keys and takes the port; port 0 takes a free one.
    ///
    /// # Errors
    /// See [`WitnessError`].
    pub async fn bind(
        directory: &Directory,
        listen: SocketAddr,
        scheme: Scheme,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, WitnessError> {
        let tls = match scheme {
            Scheme::Https => {
                Some(acceptor(&directory.receiver()?).map_err(|_| WitnessError::Certificate)?)
            }
            Scheme::Plain if listen.ip().is_loopback() => None,
            Scheme::Plain => return Err(WitnessError::Plain),
        };
        let watch = Arc::new(Watch::open(directory, clock)?);
        let failed = |error| WitnessError::Listen(listen, error);
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr()?;
        Ok(Server {
            listener,
            address,
            tls,
            watch,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Writes the address to a file, for whoever waits for it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn say_ready(&self, file: &Path) -> Result<(), WitnessError> {
        Ok(write_address(file, self.address)?)
    }

    /// Answers until `shutdown` ends, then finishes what is under way.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let graceful = GracefulShutdown::new();
        // Ends with this future, so that a witness that is dropped answers nothing more.
        let mut tasks = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            let next = async {
                let place = places.clone().acquire_owned().await;
                (place, self.listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                () = &mut shutdown => break,
                next = next => next,
            };
            let Ok((stream, _)) = accepted else {
                // Out of file descriptors, or the peer is gone again.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let (tls, watch) = (self.tls.clone(), self.watch.clone());
            let watcher = graceful.watcher();
            while tasks.try_join_next().is_some() {}
            tasks.spawn(async move {
                converse(stream, tls, watch, watcher).await;
                drop(place);
            });
        }
        drop(self.listener);
        let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    }
}

async fn converse(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    watch: Arc<Watch>,
    watcher: Watcher,
) {
    let _ = stream.set_nodelay(true);
    match tls {
        None => speak(stream, watch, watcher).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
                speak(stream, watch, watcher).await;
            }
        }
    }
}

async fn speak<S>(stream: S, watch: Arc<Watch>, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let watch = watch.clone();
        async move { Ok::<_, Infallible>(watch.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_headers(64)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    let _ = watcher.watch(connection).await;
}
