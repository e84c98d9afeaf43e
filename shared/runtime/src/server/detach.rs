//! Detach: a write that has begun is finished, whether or not anybody waits for it; and a panic is an answer.

use std::{convert::Infallible, future::Future, panic::AssertUnwindSafe};

use bytes::Bytes;
use futures::FutureExt;
use http::Request;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use seva_proto::common::v1::ErrorReason;
use tonic::{Code, body::Body};
use tracing::Instrument;

use crate::{
    Error,
    auth::{actor, rules::MethodRule},
    deadline,
    tasks::Tasks,
};

use super::around::{Answering, Around, Inner, called, refuse};

/// The five bytes before a message: whether it is compressed, and its length.
const MESSAGE_HEADER: usize = 5;

/// The innermost layer.
pub(super) struct Detach {
    tasks: Tasks,
    max_message: usize,
}

impl Detach {
    pub(super) fn new(tasks: Tasks, max_message: usize) -> Self {
        Self { tasks, max_message }
    }
}

impl Around for Detach {
    fn around<S: Inner>(&self, request: Request<Body>, mut inner: S) -> Answering {
        let writes = called(&request).is_some_and(|rule: std::sync::Arc<MethodRule>| !rule.reads && !rule.streams());
        if !writes {
            return Box::pin(async move {
                let answer = AssertUnwindSafe(async move { inner.call(request).await }).catch_unwind().await;
                Ok::<_, Infallible>(answer.map_or_else(|_| refuse(&panicked()), |Ok(response)| response))
            });
        }
        let tasks = self.tasks.clone();
        let limit = self.max_message + MESSAGE_HEADER;
        Box::pin(async move {
            // The whole message is awaited here, where the call may still be dropped: nothing has begun, and a caller who sends slowly
            // holds no task.
            let request = match received(request, limit).await {
                Ok(request) => request,
                Err(error) => return Ok(refuse(&error)),
            };
            // The admission travels inside the request's extensions, and with it into the task.
            let answer = detached(&tasks, async move {
                let Ok(response) = inner.call(request).await;
                response
            });
            Ok(answer.await.unwrap_or_else(|error| refuse(&error)))
        })
    }
}

/// Runs `work` in a task of its own that goes on when the caller leaves, under the same deadline, span and person. For writes inside
/// streams; the writes of unary calls are run this way already.
///
/// # Errors
/// `INTERNAL` when the work panics.
pub async fn detached<F>(tasks: &Tasks, work: F) -> Result<F::Output, Error>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let person = actor::current();
    let until = deadline::current();
    let carried = actor::within(person, async move {
        match until {
            Some(until) => deadline::within(until, work).await,
            None => work.await,
        }
    });
    tasks.spawn_call(carried.in_current_span()).await.map_err(|_| panicked())
}

fn panicked() -> Error {
    Error::internal("a handler panicked")
}

async fn received(request: Request<Body>, limit: usize) -> Result<Request<Body>, Error> {
    let (parts, body) = request.into_parts();
    let message: Bytes = match Limited::new(body, limit).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(Error::new(Code::ResourceExhausted, ErrorReason::MessageTooLarge, "the message is too large")
                .with_metadata("max_bytes", (limit - MESSAGE_HEADER).to_string()));
        }
        // Told to nobody: the caller is gone.
        Err(_) => return Err(Error::new(Code::Cancelled, ErrorReason::ServiceUnavailable, "the caller left")),
    };
    Ok(Request::from_parts(parts, Body::new(Full::new(message))))
}
