//! The order in which a process ends, each step within a bound.

use std::{future::Future, time::Duration};

use futures::future::BoxFuture;
use tokio::signal::unix::{Signal, SignalKind, signal as listen};

use crate::{server::Health, tasks::Tasks, telemetry::TelemetryGuard};

#[cfg(test)]
mod tests;

/// Exit code after a second signal: as a shell reports an interrupted process.
pub const EXIT_INTERRUPTED: i32 = 130;

/// Resolves when the process is asked to end (interrupt or terminate). A second such signal exits at once.
///
/// # Errors
/// Signals cannot be listened for.
pub fn signal() -> std::io::Result<impl Future<Output = ()>> {
    // Listened for from here on, so that none is lost before the future is first awaited.
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    Ok(async move {
        either(&mut interrupt, &mut terminate).await;
        #[expect(clippy::disallowed_methods, reason = "outlives all tracked tasks, and ends with the process")]
        tokio::spawn(async move {
            either(&mut interrupt, &mut terminate).await;
            eprintln!("a second signal: exiting at once");
            std::process::exit(EXIT_INTERRUPTED);
        });
    })
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// How long each step may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Calls in progress and connections.
    pub calls: Duration,
    /// Workers, which stop between two items.
    pub tasks: Duration,
    /// Each of the closing steps, such as a pool.
    pub closing: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { calls: Duration::from_secs(28), tasks: Duration::from_secs(10), closing: Duration::from_secs(5) }
    }
}

/// The end of a process: not ready, stop accepting, end streams, drain calls, stop workers between items, flush telemetry, close pools.
pub struct Sequence {
    tasks: Tasks,
    bounds: Bounds,
    health: Vec<Health>,
    telemetry: Option<TelemetryGuard>,
    closing: Vec<(&'static str, BoxFuture<'static, ()>)>,
}

impl std::fmt::Debug for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sequence").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl Sequence {
    /// The end of the process whose tasks these are.
    pub fn new(tasks: Tasks) -> Self {
        Self { tasks, bounds: Bounds::default(), health: Vec::new(), telemetry: None, closing: Vec::new() }
    }

    /// Other bounds than the usual.
    #[must_use]
    pub fn within(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// A server that says first that it is not ready any more.
    #[must_use]
    pub fn with_health(mut self, health: Health) -> Self {
        self.health.push(health);
        self
    }

    /// What is flushed when the workers have stopped.
    #[must_use]
    pub fn with_telemetry(mut self, telemetry: TelemetryGuard) -> Self {
        self.telemetry = Some(telemetry);
        self
    }

    /// Something that is closed last, in the order given, such as a pool.
    #[must_use]
    pub fn closing(mut self, name: &'static str, close: impl Future<Output = ()> + Send + 'static) -> Self {
        self.closing.push((name, Box::pin(close)));
        self
    }

    /// Runs all steps; answers whether each ended within its bound.
    pub async fn run(self) -> bool {
        let Self { tasks, bounds, health, telemetry, closing } = self;
        tracing::info!("stopping");
        for health in health {
            health.set_ready(false).await;
        }
        let mut in_time = tasks.drain(bounds.calls).await;
        if !in_time {
            tracing::warn!(bound = ?bounds.calls, "calls were still in progress when the bound was reached");
        }
        if !tasks.stop(bounds.tasks).await {
            tracing::warn!(bound = ?bounds.tasks, "tasks were still running when the bound was reached");
            in_time = false;
        }
        if let Some(telemetry) = telemetry {
            telemetry.shutdown().await;
        }
        for (name, close) in closing {
            if tokio::time::timeout(bounds.closing, close).await.is_err() {
                tracing::warn!(step = name, bound = ?bounds.closing, "was not closed when the bound was reached");
                in_time = false;
            }
        }
        in_time
    }
}
