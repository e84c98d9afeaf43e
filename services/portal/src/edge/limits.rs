//! How much is taken on at once, how long it may take and how large it may be.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use seva_runtime::deadline;
use tokio::time::{Instant, timeout_at};

use crate::{Portal, fault::Fault};

/// The limits of a portal.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests in progress; more are answered at once that there is too much to do.
    pub max_requests: usize,
    /// Connections open; more are closed at once.
    pub max_connections: usize,
    /// A request with everything that is asked of services for it.
    pub request_within: Duration,
    /// The head of a request, from the first moment that one is waited for.
    pub headers_within: Duration,
    /// The head of a request, in bytes.
    pub max_head_bytes: usize,
    /// Path and query, in bytes.
    pub max_uri_bytes: usize,
    /// A form, in bytes.
    pub max_form_bytes: usize,
    /// How long connections may take to end when the portal stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_requests: 256,
            max_connections: 2000,
            request_within: Duration::from_secs(10),
            headers_within: Duration::from_secs(10),
            max_head_bytes: 16 * 1024,
            max_uri_bytes: 4 * 1024,
            // Twenty texts of 4,000 characters, each of which takes nine bytes when a form sends it.
            max_form_bytes: 768 * 1024,
            drain: Duration::from_secs(25),
        }
    }
}

/// Admits a request when there is room, and ends it in time. Probes are always admitted: a busy process must not be killed for being busy.
pub async fn admit(State(portal): State<Portal>, request: Request, next: Next) -> Response {
    let limits = &portal.settings.limits;
    if matches!(request.uri().path(), "/healthz" | "/readyz") {
        return next.run(request).await;
    }
    if request.uri().path_and_query().is_some_and(|uri| uri.as_str().len() > limits.max_uri_bytes) {
        return Fault::AddressTooLong.into_response();
    }
    let Ok(_permit) = Arc::clone(&portal.room).try_acquire_owned() else {
        return Fault::Busy.into_response();
    };
    let until = Instant::now() + limits.request_within;
    // Services are called under the same deadline; ours is a moment later, so that their answer is the one that counts.
    let answered = timeout_at(until + Duration::from_millis(100), deadline::within(until, next.run(request))).await;
    answered.unwrap_or_else(|_| Fault::Busy.into_response())
}

/// The body of a request, when it is no larger than `max_bytes`. What says beforehand that it is larger is not read.
pub async fn read(headers: &HeaderMap, body: Body, max_bytes: usize) -> Result<Bytes, Fault> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|announced| announced > max_bytes) {
        return Err(Fault::TooLarge);
    }
    let read = axum::body::to_bytes(body, max_bytes).await;
    read.map_err(|fault| if is_too_large(&fault) { Fault::TooLarge } else { Fault::Unreadable })
}

/// Whether the limit was the fault, and not a caller who went away.
fn is_too_large(fault: &axum::Error) -> bool {
    let mut source = std::error::Error::source(fault);
    while let Some(fault) = source {
        if fault.to_string() == "length limit exceeded" {
            return true;
        }
        source = fault.source();
    }
    false
}
