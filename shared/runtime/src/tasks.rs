//! Every task of a process: it is named, counted at shutdown, and its failure has a consequence.

use std::{future::Future, time::Duration};

use futures::FutureExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

/// What follows when a task ends before the process stops, by an error or a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// It is logged.
    Log,
    /// It is logged and the process stops.
    StopProcess,
}

/// The tasks of a process and the sign to stop.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
    failed: CancellationToken,
}

impl Tasks {
    /// No task yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task that runs until it is done or sees [`Tasks::stopping`].
    pub fn spawn<F, E>(&self, name: &'static str, on_failure: OnFailure, work: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display,
    {
        let failed = self.failed.clone();
        let guarded = async move {
            let fault = match std::panic::AssertUnwindSafe(work).catch_unwind().await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "panicked".to_owned(),
            };
            tracing::error!(task = name, fault, "task failed");
            if on_failure == OnFailure::StopProcess {
                failed.cancel();
            }
        };
        self.tracker.spawn(guarded.instrument(tracing::info_span!("task", task = name)));
    }

    /// Starts a call's handler, which goes on when its caller leaves and is waited for at shutdown.
    pub fn spawn_call<F>(&self, work: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tracker.spawn(work)
    }

    /// Cancelled when the process stops: workers look at it between two items.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Cancelled when a task failed whose failure stops the process.
    pub fn failed(&self) -> CancellationToken {
        self.failed.clone()
    }

    /// Tells every task to stop and waits for them; answers whether all ended in time.
    pub async fn stop(&self, within: Duration) -> bool {
        self.stopping.cancel();
        self.tracker.close();
        tokio::time::timeout(within, self.tracker.wait()).await.is_ok()
    }
}
