//! The caller's deadline, as a task-local: the server layer sets it, clients carry it on, and no write starts after it.

use std::{future::Future, time::Duration};

use http::{HeaderMap, HeaderValue};
use seva_proto::common::v1::ErrorReason;
use tokio::time::Instant;
use tonic::Code;

use crate::Error;

#[cfg(test)]
mod tests;

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

/// What the caller asks for in `grpc-timeout`; `None` without one or when it is malformed.
pub(crate) fn requested(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

/// `left` as the value of `grpc-timeout`: at most eight digits, rounded down, as the callee must not believe it has more.
pub(crate) fn header_value(left: Duration) -> HeaderValue {
    const MAX: u128 = 99_999_999;
    let text = if left.as_micros() <= MAX {
        format!("{}u", left.as_micros())
    } else if left.as_millis() <= MAX {
        format!("{}m", left.as_millis())
    } else {
        format!("{}S", u128::from(left.as_secs()).min(MAX))
    };
    HeaderValue::try_from(text).expect("digits and a letter are a header value")
}
