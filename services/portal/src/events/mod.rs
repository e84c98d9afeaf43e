//! CloudEvents over HTTP into the intake of customers, for systems that do not speak gRPC.
//!
//! An event comes in binary form (attributes in headers `ce-*`), in structured form (`application/cloudevents+json`) or in a batch
//! (`application/cloudevents-batch+json`). Who sends it, and whether it may be taken, the intake decides: the credential is passed on and
//! nothing is taken without one. The answer comes after the intake has committed.

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use seva_proto::{
    customers::v1::{PublishEventsRequest, intake_service_client::IntakeServiceClient},
    io::cloudevents::v1::CloudEvent,
};
use seva_runtime::{auth::api_keys, config::Secret};
use tonic::metadata::{Ascii, MetadataValue};

use crate::{
    Portal,
    edge::{form::media_type, limits},
    fault::Fault,
};

mod answer;
mod read;

#[cfg(test)]
mod tests;

pub use answer::told;

/// The largest single event, and the largest batch, as bodies.
const MAX_EVENT_BYTES: usize = 64 * 1024;
const MAX_BATCH_BYTES: usize = 1024 * 1024;
/// Events of one batch at most: what the intake takes at once.
const MAX_EVENTS: usize = 500;

/// What is wrong with an event, or with all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The attribute, such as `time`.
    pub field: String,
    /// What is wrong.
    pub description: String,
}

impl Violation {
    fn new(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}

/// What came: one event or several, each readable or not.
#[derive(Debug)]
pub struct Batch {
    /// Several may come, and each has a result of its own.
    pub is_batch: bool,
    /// In the order in which they came.
    pub events: Vec<Result<CloudEvent, Unreadable>>,
}

/// An event that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its id, as far as it has one.
    pub id: String,
    /// Everything that is wrong.
    pub violations: Vec<Violation>,
}

/// Takes events.
pub async fn publish(State(portal): State<Portal>, headers: HeaderMap, request: Request<Body>) -> Response {
    let credential = match Credential::of(&headers) {
        Ok(credential) => credential,
        Err(why) => return answer::refused(StatusCode::UNAUTHORIZED, "CREDENTIAL_MISSING", why, &[]),
    };
    let is_batch = media_type(&headers).eq_ignore_ascii_case(read::BATCH);
    let max_bytes = if is_batch { MAX_BATCH_BYTES } else { MAX_EVENT_BYTES };
    let body = match limits::read(&headers, request.into_body(), max_bytes).await {
        Ok(body) => body,
        Err(fault) => return fault.into_response(),
    };
    let batch = match read::batch(&headers, body) {
        Ok(batch) => batch,
        Err(violation) => {
            let why = "the body cannot be read as what its content type says";
            return answer::refused(StatusCode::BAD_REQUEST, "MESSAGE_MALFORMED", why, &[violation]);
        }
    };
    let readable: Vec<CloudEvent> = batch.events.iter().filter_map(|event| event.as_ref().ok().cloned()).collect();
    let mut results = Vec::new();
    if !readable.is_empty() {
        let mut request = tonic::Request::new(PublishEventsRequest { events: readable });
        credential.put_into(request.metadata_mut());
        match IntakeServiceClient::new(portal.peers.intake.clone()).publish_events(request).await {
            Ok(answered) => results = answered.into_inner().results,
            Err(status) => return answer::of_status(&status),
        }
    }
    answer::of_results(&batch, results)
}

/// Says to a system that asks beforehand that it may post here: the webhook handshake of CloudEvents.
///
/// Any origin may: each request has to show a credential all the same. A callback address is not called, as whoever asks could make us
/// call anything.
pub async fn handshake(headers: HeaderMap) -> Response {
    let mut response = (StatusCode::OK, [(header::ALLOW, "OPTIONS, POST")]).into_response();
    let origin = headers.get("webhook-request-origin").filter(|origin| is_origin(origin.as_bytes()));
    if let Some(origin) = origin {
        response.headers_mut().insert(HeaderName::from_static("webhook-allowed-origin"), origin.clone());
        // No limit in requests a minute: what is too much at a moment is answered with 503 and when to come again.
        response.headers_mut().insert(HeaderName::from_static("webhook-allowed-rate"), HeaderValue::from_static("*"));
    }
    response
}

/// Whether it is the name of a host, as the handshake asks for.
fn is_origin(text: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'*');
    (1..=253).contains(&text.len()) && text.iter().all(is_plain)
}

/// What a system shows, to be passed on as it is.
#[derive(Debug)]
struct Credential {
    name: &'static str,
    value: Secret<MetadataValue<Ascii>>,
}

impl Credential {
    /// The one credential in the headers: an API key, a bearer token, or an API key where senders can only put a bearer token.
    fn of(headers: &HeaderMap) -> Result<Self, &'static str> {
        let mut shown = headers.get_all(api_keys::HEADER).iter().chain(headers.get_all(header::AUTHORIZATION));
        let Some(value) = shown.next() else { return Err("an API key in `x-api-key` is required") };
        if shown.next().is_some() {
            return Err("a request shows one credential, not two");
        }
        let text = value.to_str().map_err(|_| "the credential is not ASCII text")?;
        let (name, text) = if headers.contains_key(api_keys::HEADER) {
            (api_keys::HEADER, text)
        } else {
            match text.split_once(' ').map(|(_, token)| token.trim()).filter(|token| token.starts_with("sk_")) {
                Some(key) => (api_keys::HEADER, key),
                None => ("authorization", text),
            }
        };
        let mut value = MetadataValue::try_from(text).map_err(|_| "the credential is not ASCII text")?;
        value.set_sensitive(true);
        Ok(Self { name, value: Secret::new(value) })
    }

    fn put_into(self, metadata: &mut tonic::metadata::MetadataMap) {
        metadata.insert(self.name, self.value.reveal().clone());
    }
}

impl From<Violation> for Unreadable {
    fn from(violation: Violation) -> Self {
        Self { id: String::new(), violations: vec![violation] }
    }
}

/// Faults that are the same for pages and systems, by the stable reasons of the contract.
fn reason_of(fault: Fault) -> (&'static str, &'static str) {
    match fault {
        Fault::TooLarge => ("MESSAGE_TOO_LARGE", "an event has 64 KiB at most, a batch 1 MiB"),
        Fault::Busy => ("OVERLOADED", "the server has as much to do as it can"),
        Fault::MethodNotAllowed => ("RESOURCE_NOT_FOUND", "events are posted here"),
        Fault::Broken => ("INTERNAL", "internal error"),
        _ => ("MESSAGE_MALFORMED", "the request cannot be read"),
    }
}
