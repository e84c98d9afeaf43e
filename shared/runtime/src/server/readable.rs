//! Readable: a message that is not what the contract says is the caller's fault, where the library calls it ours.

use std::convert::Infallible;

use http::{Request, Response};
use seva_proto::common::v1::ErrorReason;
use tonic::{Code, Status, body::Body};

use super::around::{Answering, Around, Inner, refuse};
use crate::Error;

/// How the library's codec begins what it says of a message that it cannot decode.
const UNDECODABLE: &str = "failed to decode Protobuf message";

/// Tells callers of unreadable messages what is wrong with them.
pub(super) struct Readable;

impl Around for Readable {
    fn around<S: Inner>(&self, request: Request<Body>, mut inner: S) -> Answering {
        Box::pin(async move {
            let Ok(response) = inner.call(request).await;
            Ok::<_, Infallible>(if is_undecodable(&response) { refuse(&malformed()) } else { response })
        })
    }
}

/// What the caller of a stream is told when the next message of it could not be had: handlers of such streams pass the library's status
/// through this, as its layers do for other calls.
pub fn message_fault(status: Status) -> Status {
    if is_of_codec(&status) { malformed().into() } else { status }
}

fn is_undecodable(response: &Response<Body>) -> bool {
    Status::from_header_map(response.headers()).is_some_and(|status| is_of_codec(&status))
}

/// Whether the codec refused the message; an error of ours carries details.
fn is_of_codec(status: &Status) -> bool {
    status.code() == Code::Internal && status.details().is_empty() && status.message().starts_with(UNDECODABLE)
}

fn malformed() -> Error {
    Error::invalid(ErrorReason::MessageMalformed, "the message cannot be read as the contract says")
}
