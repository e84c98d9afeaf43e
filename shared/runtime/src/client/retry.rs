//! Which faults of a read are tried again, when, and how many over time.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::{
    Engine, alphabet,
    engine::DecodePaddingMode,
    engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig},
};
use http::{HeaderMap, Response};
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt;

use crate::telemetry::rpc::code_in;

#[cfg(test)]
mod tests;

const MAX_ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// A server that asks for a longer pause than this is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Tokens for repetitions: every call adds a tenth of one, every repetition takes one. When a service is down, repetitions end with them
/// and its return is not met by three times the load.
#[derive(Debug)]
pub(super) struct Budget(Mutex<f64>);

const FULL: f64 = 20.0;
const PER_CALL: f64 = 0.1;

impl Default for Budget {
    fn default() -> Self {
        Self(Mutex::new(FULL))
    }
}

impl Budget {
    /// Counts a call; only its first attempt adds.
    pub(super) fn note_call(&self, attempt: u32) {
        if attempt == 1 {
            let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *tokens = (*tokens + PER_CALL).min(FULL);
        }
    }

    fn take(&self) -> bool {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *tokens >= 1.0;
        if enough {
            *tokens -= 1.0;
        }
        enough
    }
}

/// How long to wait before the next attempt; `None` when this answer is the last.
pub(super) fn pause_before_next(
    attempt: u32,
    sent: &Result<Response<Body>, Status>,
    budget: &Budget,
) -> Option<Duration> {
    if attempt >= MAX_ATTEMPTS {
        return None;
    }
    let asked = match sent {
        Err(status) if status.code() == Code::Unavailable => None,
        Ok(response) if code_in(response.headers()) == Some(Code::Unavailable) => retry_delay(response.headers()),
        _ => return None,
    };
    let backed_off = FIRST_PAUSE * 2_u32.pow(attempt - 1);
    // Callers that failed together do not come back together.
    let pause = asked.unwrap_or_default().max(backed_off).mul_f64(rand::random_range(0.75..1.25));
    (pause <= LONGEST_PAUSE && budget.take()).then_some(pause)
}

/// What the server asks for in its `RetryInfo`.
fn retry_delay(headers: &HeaderMap) -> Option<Duration> {
    const EITHER_PADDING: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    // Not by the library's own reader of statuses, which panics when the peer sends something else than base64.
    let details = EITHER_PADDING.decode(headers.get("grpc-status-details-bin")?).ok()?;
    Status::with_details(Code::Unavailable, "", details.into()).get_details_retry_info()?.retry_delay
}
