//! Every task of a process: it is named, counted at shutdown, and its failure has a consequence.

use std::{future::Future, time::Duration};

use futures::FutureExt;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tracing::Instrument;

#[cfg(test)]
mod tests;

/// What follows when a task ends before the process stops, by an error or a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// It is logged.
    Log,
    /// It is logged and the process stops.
    StopProcess,
}

/// The tasks of a process and the two signs to end: first calls drain, then workers stop.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    calls: TaskTracker,
    draining: CancellationToken,
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
        self.calls.spawn(work)
    }

    /// Counts as a call until it is dropped: held by servers while they have connections.
    pub fn hold(&self) -> TaskTrackerToken {
        self.calls.token()
    }

    /// Cancelled when the process begins to end: servers accept no more connections, and streams end.
    pub fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// Tells servers and streams to end and waits for the calls in progress; answers whether all ended in time. Workers go on, as calls
    /// may wait for them.
    pub async fn drain(&self, within: Duration) -> bool {
        self.draining.cancel();
        self.calls.close();
        tokio::time::timeout(within, self.calls.wait()).await.is_ok()
    }

    /// Cancelled when the process stops: workers look at it between two items.
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Cancelled when a task failed whose failure stops the process.
    pub fn failed(&self) -> CancellationToken {
        self.failed.clone()
    }

    /// Tells every task to stop and waits for them and for calls; answers whether all ended in time.
    pub async fn stop(&self, within: Duration) -> bool {
        self.draining.cancel();
        self.stopping.cancel();
        self.calls.close();
        self.tracker.close();
        let all = async {
            self.calls.wait().await;
            self.tracker.wait().await;
        };
        tokio::time::timeout(within, all).await.is_ok()
    }
}
