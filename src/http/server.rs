//! The server loop: accept, handshake, HTTP/1 or HTTP/2 by ALPN, idle cut-off, orderly stop.
//!
//! A connection costs one place of `Limits::connections` from accept to close. Everything that waits
//! for a peer has a timer: the handshake, the head of a request, an idle connection, a write. What a
//! request may take is bounded in `limits` and `tus::receive`.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::caller::{Peer, PeerCertificate};
use super::limits::Limits;
use super::metrics;
use super::patience::Patient;

/// Bytes of one HTTP/2 stream, and twice that of one connection, that a peer may send ahead.
const WINDOW: u32 = 512 * 1024;

/// How long a peer without an open request may take to answer that the connection ends.
const FAREWELL: Duration = Duration::from_secs(2);

struct Server {
    acceptor: TlsAcceptor,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
}

/// Serves `router` on `listener` until `stop`; then no connection is accepted, open requests get
/// `drain_seconds` to finish, and what is left is cut.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) -> io::Result<()> {
    let drain = Duration::from_secs(limits.drain_seconds);
    let places = Arc::new(Semaphore::new(limits.connections));
    let server = Arc::new(Server {
        acceptor: TlsAcceptor::from(tls),
        router,
        limits,
        stop: stop.clone(),
    });
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = stop.cancelled() => break,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                let server = Arc::clone(&server);
                connections.spawn(async move {
                    let _counted = metrics::OpenConnection::enter();
                    server.converse(stream).await;
                    drop(place);
                });
            }
            // Out of file descriptors, most often: give open connections time to end.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    let drained = timeout(drain, async {
        while connections.join_next().await.is_some() {}
    });
    if drained.await.is_err() {
        tracing::warn!("some requests did not finish in time and are cut");
        connections.shutdown().await;
    }
    Ok(())
}

impl Server {
    async fn converse(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let limit = Duration::from_secs(self.limits.handshake_seconds);
        let stream = match timeout(limit, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%error, "a handshake failed"),
            Err(_) => return tracing::debug!("a handshake took too long"),
        };
        let (_, session) = stream.get_ref();
        let speaks_http2 = session.alpn_protocol() == Some(b"h2");
        let peer = session
            .peer_certificates()
            .and_then(|chain| chain.first())
            .and_then(|leaf| PeerCertificate::from_der(leaf))
            .map(|certificate| Peer(Arc::new(certificate)));
        let patience = Duration::from_secs(self.limits.write_seconds);
        let io = TokioIo::new(Patient::new(stream, patience));

        let activity = Arc::new(Activity::default());
        let service = service_fn(|mut request: Request<Incoming>| {
            let busy = Busy::enter(&activity);
            if let Some(peer) = &peer {
                request.extensions_mut().insert(peer.clone());
            }
            let answer = self.router.clone().call(request);
            async move {
                let answer = answer.await;
                drop(busy);
                answer
            }
        });
        let ended = if speaks_http2 {
            let connection = self.http2().serve_connection(io, service);
            self.drive(connection, &activity).await
        } else {
            let connection = self.http1().serve_connection(io, service);
            self.drive(connection, &activity).await
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }

    /// Runs a connection to its end; a stop or idleness lets open requests finish and takes no more.
    /// A peer that does not answer the farewell is left.
    async fn drive<C: GracefulConnection>(
        &self,
        connection: C,
        activity: &Activity,
    ) -> Result<(), C::Error> {
        let idle = Duration::from_secs(self.limits.idle_seconds);
        let mut connection = pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = self.stop.cancelled() => {}
            () = activity.ends(idle) => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection => ended,
            () = activity.ends(FAREWELL) => Ok(()),
        }
    }

    fn http1(&self) -> http1::Builder {
        let mut http1 = http1::Builder::new();
        // Without a timer hyper silently ignores the header timeout.
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(self.limits.header_seconds))
            .max_header_size(self.limits.header_bytes as usize)
            .max_headers(64)
            .max_buf_size(128 * 1024);
        http1
    }

    fn http2(&self) -> http2::Builder<TokioExecutor> {
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.streams)
            .max_pending_accept_reset_streams(self.limits.reset_streams)
            .max_local_error_reset_streams(self.limits.reset_streams)
            .max_header_list_size(self.limits.header_bytes)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(2 * WINDOW)
            .max_send_buf_size(WINDOW as usize)
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20));
        http2
    }
}

/// What happens on one connection: enough to tell that nothing does.
#[derive(Default)]
struct Activity {
    open: AtomicUsize,
    begun: AtomicUsize,
}

impl Activity {
    /// Returns once no request was open or begun for a whole `period`.
    async fn ends(&self, period: Duration) {
        loop {
            let before = self.begun.load(Ordering::Relaxed);
            sleep(period).await;
            let is_open = self.open.load(Ordering::Relaxed) > 0;
            if !is_open && self.begun.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}

/// A request in progress on a connection, for as long as it lives.
struct Busy(Arc<Activity>);

impl Busy {
    fn enter(activity: &Arc<Activity>) -> Self {
        activity.open.fetch_add(1, Ordering::Relaxed);
        activity.begun.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(activity))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
