//! Connections: how many there are, that they speak, and that they end.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};

use crate::{Limits, Portal};

/// Accepting fails when the process has no file descriptors left; it is tried again, but not at once.
const PAUSE_AFTER_FAULT: Duration = Duration::from_millis(100);
/// More headers than any browser or mail client sends.
const MAX_HEADERS: usize = 64;

/// Whether requests should come to this process.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says so.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Relaxed);
    }

    /// Whether it was said.
    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Portal {
    /// Serves until `shutdown` resolves: then says that it is not ready, accepts nothing more, lets requests end, and cuts what is left
    /// after [`Limits::drain`]. Ready from the first moment on.
    ///
    /// HTTP/1.1 only: encryption and newer versions are the platform's in front of it.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let limits = &self.settings.limits;
        let service = TowerToHyperService::new(self.router());
        let builder = server(limits);
        let room = Arc::new(Semaphore::new(limits.max_connections));
        let graceful = GracefulShutdown::new();
        // Dropped with this future, and all connections with it.
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        self.readiness.set(true);
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => continue,
                accepted = listener.accept() => accepted,
            };
            let tcp = match accepted {
                Ok((tcp, _)) => tcp,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE_AFTER_FAULT).await;
                    continue;
                }
            };
            // Closed at once rather than left waiting: a caller who is told can go elsewhere.
            let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
                tracing::warn!("a connection was closed: there are as many as there may be");
                continue;
            };
            if tcp.set_nodelay(true).is_err() {
                continue;
            }
            let connection = builder.serve_connection(TokioIo::new(tcp), service.clone()).into_owned();
            let connection = graceful.watch(connection);
            connections.spawn(async move {
                let _permit = permit;
                // What callers do wrong on the wire is theirs, and its text may hold what they sent.
                let _ = connection.await;
            });
        }
        self.readiness.set(false);
        drop(listener);
        if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
            tracing::warn!(bound = ?limits.drain, "connections were still open when the bound was reached");
        }
    }
}

/// The protocol with its limits set.
fn server(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        // Also ends connections that are kept open and say nothing.
        .header_read_timeout(limits.headers_within)
        .max_headers(MAX_HEADERS)
        .max_buf_size(limits.max_head_bytes);
    builder
}
