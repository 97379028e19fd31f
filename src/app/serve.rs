//! `tamis serve`: the service, until it is asked to end.
//!
//! The end: no new connection, no new job; open requests, the bytes of open uploads and the jobs in
//! hand get `limits.drain_seconds`; what is left is taken up by the next start.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tamis_keys::Entropy;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::lock::DataDirLock;
use super::wiring::{Wired, outbound, settings, wire};
use super::{AppError, SystemClock};
use crate::cli::operator::ServeOptions;
use crate::config::Config;
use crate::domain::clock::Clock;
use crate::http::tls::{Identity, server_config};
use crate::http::tus::UploadRules;
use crate::http::{Api, metrics, routes, server};
use crate::worker::Worker;

/// A service that runs.
pub struct Running {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Where metrics are served, if they are.
    pub metrics_address: Option<SocketAddr>,
    stop: CancellationToken,
    drain: Duration,
    tasks: Vec<JoinHandle<()>>,
    api: Api,
    worker: Worker,
    wired: Wired,
    _lock: DataDirLock,
}

impl Running {
    /// Ends it in good order: at most `limits.drain_seconds`, and a moment for the database.
    pub async fn stop(self) {
        self.stop.cancel();
        let uploads = &self.api.uploads.running;
        uploads.close();
        let requests = timeout(self.drain + Duration::from_secs(1), async {
            for task in self.tasks {
                let _ = task.await;
            }
            uploads.wait().await;
        });
        let (requests, ()) = tokio::join!(requests, self.worker.stop(self.drain));
        if requests.is_err() {
            tracing::warn!("not everything ended in time; the next start takes it up");
        }
        self.wired.store.close().await;
    }
}

/// Serves until SIGTERM or ctrl-c.
pub async fn serve(options: &ServeOptions, entropy: Arc<dyn Entropy>) -> Result<(), AppError> {
    log_to_stderr();
    let mut terminate = signal(SignalKind::terminate()).map_err(AppError::Runtime)?;
    let running = start(options, entropy).await?;
    if let Some(path) = &options.ready_file {
        say_ready(path, running.address)?;
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    tracing::info!("stopping");
    running.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// Starts a service and returns once it answers. Takes the data directory's lock.
pub async fn start(options: &ServeOptions, entropy: Arc<dyn Entropy>) -> Result<Running, AppError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::as_of(options.as_of));
    let lock = lock(&options.home)?;
    let wired = wire(&options.home, clock.clone(), entropy.clone()).await?;
    if let Some((id, tag)) = wired.service.misplaced().await?.into_iter().next() {
        return Err(AppError::Misplaced(id, tag));
    }
    let config = &wired.config;

    let server_identity = wired.authority.server(&config.hostnames, clock.now())?;
    let identity = Identity {
        chain_pem: &server_identity.chain_pem,
        key_pem: &server_identity.key_pem,
        client_authority_pem: wired.authority.pem(),
    };
    let tls = Arc::new(server_config(&identity, clock.clone())?);
    let (listener, address) = listen(options.listen.unwrap_or(config.listen)).await?;

    let stop = CancellationToken::new();
    let api = Api::new(
        wired.service.clone(),
        clock,
        entropy,
        config.limits.clone(),
        upload_rules(config),
        stop.clone(),
    );
    let mut tasks = Vec::new();
    let mut metrics_address = None;
    if let (Some(address), Some(handle)) = (config.metrics_listen, metrics::install()) {
        let (listener, address) = listen(address).await?;
        metrics_address = Some(address);
        tracing::info!(%address, "serving metrics");
        let serving = metrics::serve(listener, handle, stop.clone());
        tasks.push(tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "metrics are not served any more");
            }
        }));
    }
    let router = routes::router(api.clone());
    let serving = server::serve(listener, tls, router, config.limits.clone(), stop.clone());
    tasks.push(tokio::spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the API is not served any more");
        }
    }));
    let (outbound, settings) = (outbound(config, &options.home)?, settings(config));
    let worker = Worker::start(wired.service.clone(), outbound, settings).await?;
    tracing::info!(%address, "serving");
    Ok(Running {
        address,
        metrics_address,
        stop,
        drain: Duration::from_secs(config.limits.drain_seconds),
        tasks,
        api,
        worker,
        wired,
        _lock: lock,
    })
}

/// The data directory's lock, before anything in it is touched.
fn lock(home: &Path) -> Result<DataDirLock, AppError> {
    let data_dir = Config::read(home)?.data_dir(home);
    tamis_keys::home::create_private_dir(&data_dir)?;
    DataDirLock::take(&data_dir)
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), AppError> {
    let failed = |source| AppError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn upload_rules(config: &Config) -> UploadRules {
    UploadRules {
        max_bytes: config.uploads.max_bytes,
        expire: SignedDuration::from_hours(config.uploads.expire_hours.into()),
    }
}

/// Writes the address to a file in one step, so that a reader sees all of it or nothing.
fn say_ready(path: &Path, address: SocketAddr) -> Result<(), AppError> {
    let temporary = path.with_extension("partial");
    std::fs::write(&temporary, format!("{address}\n"))
        .and_then(|()| std::fs::rename(&temporary, path))
        .map_err(|source| AppError::File {
            path: path.to_owned(),
            source,
        })
}

/// Lines for people on a terminal, JSON otherwise; `TAMIS_LOG` filters, `info` by default.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("TAMIS_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    // A second service in one process, as in tests, keeps the first one's log.
    let _ = if std::io::stderr().is_terminal() {
        builder.compact().try_init()
    } else {
        builder.json().with_span_list(false).try_init()
    };
}
