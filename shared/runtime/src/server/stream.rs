//! Streams: what bounds them, and what they keep until they end.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use tonic::{Status, body::Body};

use crate::{Error, auth::Principal, clock::machine_now, tasks::Tasks};

#[cfg(test)]
mod tests;

/// A stream ends itself after about this time, so that callers spread over new servers and show a fresh credential.
const STREAM_AGE: Duration = Duration::from_secs(600);
/// Half the width of the variation: streams that began together do not come back together.
const STREAM_AGE_VARIATION: Duration = Duration::from_secs(30);

/// Resolves when a stream has to end with its last message: when the process stops, after ten minutes, or with the caller's credential.
///
/// A handler that goes on is cut off: a minute later, or five seconds after the process began to stop.
pub fn end_of_stream(tasks: &Tasks, principal: &Principal) -> impl Future<Output = ()> + Send + 'static {
    let draining = tasks.draining();
    let age = STREAM_AGE - STREAM_AGE_VARIATION + STREAM_AGE_VARIATION.mul_f64(2.0 * rand::random::<f64>());
    let token =
        principal.expires_at.map(|end| Duration::try_from(end.duration_since(machine_now())).unwrap_or(Duration::ZERO));
    let sleep = tokio::time::sleep(token.map_or(age, |token| token.min(age)));
    async move {
        tokio::select! {
            () = draining.cancelled() => {}
            () = sleep => {}
        }
    }
}

/// A stream that is cut with a status when `end` resolves, that ends with INTERNAL when its handler panics, and that keeps `held` until
/// then.
pub(super) struct StreamBody<H = ()> {
    inner: Option<Body>,
    end: Option<BoxFuture<'static, Error>>,
    held: Option<H>,
}

impl StreamBody {
    pub(super) fn ending(inner: Body, end: BoxFuture<'static, Error>) -> Self {
        Self { inner: Some(inner), end: Some(end), held: None }
    }
}

impl<H> StreamBody<H> {
    pub(super) fn holding(inner: Body, held: H) -> Self {
        Self { inner: Some(inner), end: None, held: Some(held) }
    }

    /// Drops the handler's stream and what was held, and ends with a status.
    fn cut(&mut self, error: &Error) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.inner = None;
        self.held = None;
        let mut trailers = HeaderMap::new();
        let _ = Status::from(error).add_header(&mut trailers);
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }
}

impl<H: Unpin> HttpBody for StreamBody<H> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        if let Some(end) = &mut this.end
            && let Poll::Ready(error) = end.as_mut().poll(context)
        {
            return this.cut(&error);
        }
        match catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(context))) {
            Ok(Poll::Ready(None)) => {
                this.inner = None;
                this.held = None;
                Poll::Ready(None)
            }
            Ok(frame) => frame,
            Err(_) => this.cut(&Error::internal("the handler of a stream panicked")),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }
}
