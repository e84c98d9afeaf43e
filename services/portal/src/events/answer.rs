//! What systems are answered: the result of each event, or why nothing was taken. Always JSON, with the stable reasons of the contract.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use seva_proto::customers::v1::{EventResult, event_result::Outcome};
use seva_runtime::error::reason_name;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, RpcStatusExt, StatusExt};

use super::{Batch, Unreadable, Violation, reason_of};
use crate::fault::{Fault, RETRY_AFTER, reason};

/// The body of an answer with results.
#[derive(Debug, Serialize)]
struct Results {
    results: Vec<ResultView>,
}

/// What became of one event.
#[derive(Debug, Serialize)]
struct ResultView {
    id: String,
    outcome: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView>,
}

/// Why something was refused.
#[derive(Debug, Serialize)]
struct ErrorView {
    reason: String,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    violations: Vec<ViolationView>,
}

#[derive(Debug, Serialize)]
struct ViolationView {
    field: String,
    description: String,
}

/// The body of an answer without results.
#[derive(Debug, Serialize)]
struct Refused {
    error: ErrorView,
}

/// Nothing was taken.
pub(super) fn refused(status: StatusCode, reason: &str, message: &str, violations: &[Violation]) -> Response {
    json(status, &Refused { error: error(reason, message, violations) })
}

/// Nothing was taken, for a fault that pages know too.
pub fn told(fault: Fault) -> Response {
    let (reason, message) = reason_of(fault);
    refused(fault.status(), reason, message, &[])
}

/// Nothing was taken: the intake refused or did not answer. Of faults of ours only the reason is told.
pub(super) fn of_status(status: &Status) -> Response {
    let code = http_code(status.code());
    let is_ours = code.is_server_error();
    if is_ours {
        tracing::warn!(code = ?status.code(), reason = reason(status).map(reason_name), "the intake did not take events");
    }
    let message = if is_ours { "the events were not taken; send them again" } else { status.message() };
    let told = of_error(&status.get_error_details(), message);
    let mut response = json(code, &Refused { error: told });
    if code == StatusCode::SERVICE_UNAVAILABLE || code == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    response
}

/// The results of the events in the order in which they came: those of the intake, and between them what could not be read.
pub(super) fn of_results(batch: &Batch, results: Vec<EventResult>) -> Response {
    let mut results = results.into_iter();
    let mut views = Vec::with_capacity(batch.events.len());
    for event in &batch.events {
        let view = match event {
            Err(unreadable) => unreadable_view(unreadable),
            Ok(_) => match results.next() {
                Some(result) => view(result),
                None => return told(Fault::Broken),
            },
        };
        views.push(view);
    }
    let first = views.first().and_then(|view| StatusCode::from_u16(view.status).ok()).unwrap_or(StatusCode::OK);
    let status = match (batch.is_batch, views.iter().all(|view| view.error.is_none())) {
        (_, true) => StatusCode::OK,
        (true, false) => StatusCode::MULTI_STATUS,
        (false, false) => first,
    };
    json(status, &Results { results: views })
}

fn unreadable_view(unreadable: &Unreadable) -> ResultView {
    let message = "the event cannot be read";
    ResultView {
        id: unreadable.id.clone(),
        outcome: "rejected",
        status: StatusCode::BAD_REQUEST.as_u16(),
        subject: String::new(),
        error: Some(error("FIELDS_INVALID", message, &unreadable.violations)),
    }
}

fn view(result: EventResult) -> ResultView {
    let outcome = result.outcome();
    let EventResult { id, error, subject, .. } = result;
    let (outcome, status) = match outcome {
        Outcome::Accepted => ("accepted", StatusCode::OK),
        Outcome::Duplicate => ("duplicate", StatusCode::OK),
        Outcome::Stale => ("stale", StatusCode::OK),
        Outcome::Rejected | Outcome::Unspecified => ("rejected", StatusCode::BAD_REQUEST),
    };
    if outcome != "rejected" {
        return ResultView { id, outcome, status: status.as_u16(), subject, error: None };
    }
    let error = error.unwrap_or_default();
    let told = of_error(&error.get_error_details(), &error.message);
    let status = match told.reason.as_str() {
        "EVENT_TOO_LARGE" => StatusCode::PAYLOAD_TOO_LARGE,
        _ => http_code(Code::from_i32(error.code)),
    };
    // Its words are the intake's own, which quote no data.
    ResultView { id, outcome, status: status.as_u16(), subject, error: Some(told) }
}

fn of_error(details: &ErrorDetails, message: &str) -> ErrorView {
    let reason = details.error_info().map_or_else(|| "INTERNAL".to_owned(), |info| info.reason.clone());
    let violations = details.bad_request().map(|told| told.field_violations.clone()).unwrap_or_default();
    let violation = |told: FieldViolation| ViolationView { field: told.field, description: told.description };
    ErrorView { reason, message: message.to_owned(), violations: violations.into_iter().map(violation).collect() }
}

fn error(reason: &str, message: &str, violations: &[Violation]) -> ErrorView {
    let view = |violation: &Violation| ViolationView {
        field: violation.field.clone(),
        description: violation.description.clone(),
    };
    ErrorView {
        reason: reason.to_owned(),
        message: message.to_owned(),
        violations: violations.iter().map(view).collect(),
    }
}

fn http_code(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::InvalidArgument | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::FailedPrecondition => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable | Code::DeadlineExceeded | Code::Aborted | Code::Cancelled => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Unimplemented | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "an answer could not be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
