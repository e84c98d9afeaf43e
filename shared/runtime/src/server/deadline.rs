//! Deadline: every call ends, and ends as `DEADLINE_EXCEEDED`.

use std::{convert::Infallible, time::Duration};

use http::{Request, Response};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::{Code, body::Body};

use seva_proto::common::v1::ErrorReason;

use crate::{Error, deadline};

use super::{
    around::{Answering, Around, Inner, called, refuse},
    limits::Limits,
    stream::StreamBody,
};

/// A stream whose handler has not ended it by then is cut when the server stops.
const STREAMS_END_WITHIN: Duration = Duration::from_secs(5);

/// Puts every call under a deadline.
pub(super) struct Deadline {
    default: Duration,
    max: Duration,
    max_stream: Duration,
    draining: CancellationToken,
}

impl Deadline {
    pub(super) fn new(limits: &Limits, draining: CancellationToken) -> Self {
        Self { default: limits.default_deadline, max: limits.max_deadline, max_stream: limits.max_stream_age, draining }
    }
}

impl Around for Deadline {
    fn around<S: Inner>(&self, request: Request<Body>, mut inner: S) -> Answering {
        let rule = called(&request);
        let streams = rule.as_ref().is_some_and(|rule| rule.streams());
        let asked = deadline::requested(request.headers());
        let limit = if streams {
            asked.map_or(self.max_stream, |asked| asked.min(self.max_stream))
        } else {
            asked.unwrap_or(self.default).min(self.max)
        };
        // Made here and not in the future: the transport sets a timer of its own for the same header, after this call, and answers
        // CANCELLED. Ours has to be the one that is due first.
        let until = Instant::now() + limit;
        let sleep = sleep_until(until);
        let draining = self.draining.clone();
        Box::pin(async move {
            let work = deadline::within(until, async move { inner.call(request).await });
            let response = tokio::select! {
                biased;
                Ok(response) = work => response,
                () = sleep => refuse(&deadline::exceeded()),
            };
            if !streams {
                return Ok::<_, Infallible>(response);
            }
            // Probes and reflection end at once; our own handlers get the time to end with a proper last message.
            let grace = if rule.is_some_and(|rule| rule.public) { Duration::ZERO } else { STREAMS_END_WITHIN };
            Ok(bounded(response, until, draining, grace))
        })
    }
}

/// A stream that ends at `until`, or `grace` after the server begins to stop.
fn bounded(response: Response<Body>, until: Instant, draining: CancellationToken, grace: Duration) -> Response<Body> {
    let end = async move {
        let stopping = async {
            draining.cancelled().await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            () = sleep_until(until) => deadline::exceeded(),
            () = stopping => stopping_error(),
        }
    };
    response.map(|body| Body::new(StreamBody::ending(body, Box::pin(end))))
}

fn stopping_error() -> Error {
    Error::new(Code::Unavailable, ErrorReason::ShuttingDown, "the server is stopping")
        .with_retry_after(Duration::from_secs(1))
}
