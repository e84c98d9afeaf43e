//! The caller's deadline, as a task-local: the server layer sets it, clients carry it on, and no write starts after it.

use std::time::Duration;

use seva_proto::common::v1::ErrorReason;
use tokio::time::Instant;
use tonic::Code;

use crate::Error;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Runs `work` under a deadline; a task that it spawns has to be put under it again.
pub async fn within<F: Future>(deadline: Instant, work: F) -> F::Output {
    DEADLINE.scope(deadline, work).await
}

/// The deadline of this task, if it has one.
pub fn current() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok()
}

/// What is left of the deadline; `None` without one.
pub fn remaining() -> Option<Duration> {
    current().map(|deadline| deadline.saturating_duration_since(Instant::now()))
}

/// Refuses when the deadline has passed; every write asks before it starts.
pub fn check() -> Result<(), Error> {
    match remaining() {
        Some(Duration::ZERO) => Err(exceeded()),
        _ => Ok(()),
    }
}

/// The error of a passed deadline.
pub fn exceeded() -> Error {
    Error::new(Code::DeadlineExceeded, ErrorReason::DeadlineExceeded, "the deadline has passed")
}
