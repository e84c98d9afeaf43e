//! Shed: what is too much is refused at once, while it still costs nothing.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http::Request;
use seva_proto::common::v1::ErrorReason;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::body::Body;

use crate::Error;

use super::{
    around::{Answering, Around, Inner, called, refuse},
    limits::Limits,
    stream::StreamBody,
};

/// Open probes and reflections. They have their own number: with the others' they could neither starve nor be starved.
const MAX_OPEN_STREAMS: usize = 200;
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Admits as many calls as the server can work on.
pub(super) struct Shed {
    calls: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    public_streams: Arc<Semaphore>,
}

/// The right to be worked on, shared by all who work on the call: a handler that outlives its caller still counts.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Shed {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            calls: Arc::new(Semaphore::new(limits.max_calls)),
            streams: Arc::new(Semaphore::new(limits.max_streams)),
            public_streams: Arc::new(Semaphore::new(MAX_OPEN_STREAMS)),
        }
    }
}

impl Around for Shed {
    fn around<S: Inner>(&self, mut request: Request<Body>, mut inner: S) -> Answering {
        let rule = called(&request);
        let (public, streams) = rule.map_or((false, false), |rule| (rule.public, rule.streams()));
        let admitting = match (public, streams) {
            // A probe has to be answered under load, or a busy process would be killed for being busy.
            (true, false) => return Box::pin(async move { inner.call(request).await }),
            (true, true) => &self.public_streams,
            (false, true) => &self.streams,
            (false, false) => &self.calls,
        };
        let Ok(permit) = Arc::clone(admitting).try_acquire_owned() else {
            let error =
                Error::unavailable(ErrorReason::Overloaded, "the server has as much to do as it can", RETRY_AFTER);
            return Box::pin(async move { Ok::<_, Infallible>(refuse(&error)) });
        };
        let admission = Admission { _permit: Arc::new(permit) };
        request.extensions_mut().insert(admission.clone());
        Box::pin(async move {
            let Ok(response) = inner.call(request).await;
            if streams {
                Ok(response.map(|body| Body::new(StreamBody::holding(body, admission))))
            } else {
                Ok(response)
            }
        })
    }
}
