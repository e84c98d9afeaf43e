//! The body of an answer: under the call's deadline, and with faults of the transport told as what they are.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::{Code, Status, body::Body};

use crate::{
    deadline,
    telemetry::rpc::{Observation, code_in},
};

use super::transport_fault;

/// The rest of an answer after its headers.
pub(super) struct AnswerBody {
    inner: Body,
    sleep: Option<Pin<Box<Sleep>>>,
    observation: Observation,
}

impl AnswerBody {
    pub(super) fn new(inner: Body, until: Option<Instant>, observation: Observation) -> Self {
        Self { inner, sleep: until.map(|until| Box::pin(sleep_until(until))), observation }
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let frame = match Pin::new(&mut this.inner).poll_frame(context) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                let Some(sleep) = &mut this.sleep else { return Poll::Pending };
                ready!(sleep.as_mut().poll(context));
                this.observation.end(Code::DeadlineExceeded);
                return Poll::Ready(Some(Err(deadline::exceeded().into())));
            }
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.observation.end(code_in(trailers).unwrap_or(Code::Unknown));
                }
                Some(Ok(frame))
            }
            Some(Err(fault)) => {
                let status = transport_fault(fault);
                this.observation.end(status.code());
                Some(Err(status))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}
