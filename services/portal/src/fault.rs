//! What callers are told when something is refused or fails: a friendly page in their language, or JSON for systems. What services say
//! stays inside (PO5).

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use seva_proto::common::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    Portal, events, page,
    router::EVENTS,
    texts::{self, Notice, Texts, Tongue},
};

/// What went wrong, as far as the caller is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is no such page.
    NotFound,
    /// The page is not asked for in this way.
    MethodNotAllowed,
    /// The link is none of ours.
    LinkInvalid,
    /// The link's time is over.
    LinkEnded,
    /// The link was used, or something newer has replaced what it was for.
    LinkUsed,
    /// The answers can no longer be changed.
    AnswersClosed,
    /// These messages cannot be refused.
    Mandatory,
    /// The form is not ours, or too old.
    FormRefused,
    /// The body is not what is sent here.
    Unreadable,
    /// The body is larger than is taken.
    TooLarge,
    /// The address is longer than is taken.
    AddressTooLong,
    /// Not now; the same may go well in a moment.
    Busy,
    /// A fault of ours.
    Broken,
}

/// How long those wait who come at a bad time, in seconds.
pub const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

impl Fault {
    /// What the answer of a service means for the caller. Faults of ours are logged here, once, by their reason alone.
    pub fn of(status: &Status) -> Self {
        let reason = reason(status);
        match (reason, status.code()) {
            (Some(ErrorReason::CredentialInvalid), _) => Self::LinkInvalid,
            (Some(ErrorReason::CredentialExpired), _) => Self::LinkEnded,
            (Some(ErrorReason::LinkUsed), _) => Self::LinkUsed,
            (Some(ErrorReason::ResponseClosed), _) => Self::AnswersClosed,
            (Some(ErrorReason::CategoryMandatory), _) => Self::Mandatory,
            (_, Code::InvalidArgument | Code::OutOfRange) => Self::Unreadable,
            (_, Code::Unavailable | Code::DeadlineExceeded | Code::Aborted | Code::ResourceExhausted) => {
                tracing::warn!(code = ?status.code(), reason = reason.map(reason_name), "a service did not answer a page");
                Self::Busy
            }
            _ => {
                tracing::error!(code = ?status.code(), reason = reason.map(reason_name), "a service refused a page");
                Self::Broken
            }
        }
    }

    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NotFound | Self::LinkInvalid => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::LinkEnded | Self::LinkUsed | Self::AnswersClosed => StatusCode::GONE,
            Self::Mandatory => StatusCode::CONFLICT,
            Self::FormRefused => StatusCode::FORBIDDEN,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::AddressTooLong => StatusCode::URI_TOO_LONG,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The words for it.
    pub fn notice(self, texts: &Texts) -> &Notice {
        let notices = &texts.notices;
        match self {
            Self::NotFound | Self::AddressTooLong => &notices.not_found,
            Self::LinkInvalid => &notices.link_invalid,
            Self::LinkEnded => &notices.link_ended,
            Self::LinkUsed => &notices.link_used,
            Self::AnswersClosed => &notices.answers_closed,
            Self::Mandatory => &notices.mandatory,
            Self::FormRefused => &notices.form_refused,
            Self::MethodNotAllowed | Self::Unreadable => &notices.unreadable,
            Self::TooLarge => &notices.too_large,
            Self::Busy => &notices.busy,
            Self::Broken => &notices.broken,
        }
    }

    /// This fault, told in a customer's language, which the page knew when it failed.
    pub fn told_in(self, tongue: Tongue) -> Told {
        Told { fault: self, tongue: Some(tongue) }
    }
}

fn reason_name(reason: ErrorReason) -> &'static str {
    seva_runtime::error::reason_name(reason)
}

/// The stable reason of a service's refusal.
pub fn reason(status: &Status) -> Option<ErrorReason> {
    let info = status.get_details_error_info()?;
    ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason))
}

/// A field that a service refused, and the stable reason for it: `TEXT_TOO_LONG` of `TEXT_TOO_LONG: has 4000 characters at most`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field in the request.
    pub field: String,
    /// The reason.
    pub reason: String,
}

/// Every field that a service refused.
pub fn violations(status: &Status) -> Vec<Violation> {
    let told = status.get_details_bad_request().map(|told| told.field_violations).unwrap_or_default();
    let violation = |told: tonic_types::FieldViolation| {
        let reason = told.description.split(':').next().unwrap_or_default().to_owned();
        Violation { field: told.field, reason }
    };
    told.into_iter().map(violation).collect()
}

/// A fault on its way out. It travels as an extension of an empty answer, until [`told`] puts it into words.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    fault: Fault,
    tongue: Option<Tongue>,
}

impl From<Fault> for Told {
    fn from(fault: Fault) -> Self {
        Self { fault, tongue: None }
    }
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let mut response = self.fault.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        Told::from(self).into_response()
    }
}

/// Puts faults into words: for systems in JSON, for people in their language, or else in their browser's.
pub async fn told(State(portal): State<Portal>, request: Request, next: Next) -> Response {
    let is_for_systems = request.uri().path() == EVENTS;
    let accepted = texts::accepted(request.headers());
    let response = next.run(request).await;
    let Some(Told { fault, tongue }) = response.extensions().get::<Told>().copied() else { return response };
    let (parts, _) = response.into_parts();
    let mut told = if is_for_systems {
        events::told(fault)
    } else {
        page::notice(&portal, tongue.unwrap_or(accepted), fault.notice(tongue.unwrap_or(accepted)), fault.status())
    };
    // Such as `Allow` with what may be asked instead.
    for (name, value) in &parts.headers {
        if !told.headers().contains_key(name) && name != header::CONTENT_LENGTH {
            told.headers_mut().insert(name, value.clone());
        }
    }
    if fault == Fault::Busy {
        told.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    told
}
