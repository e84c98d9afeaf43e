//! One error value for the whole suite: a stable reason, a kind that decides the gRPC code, and details a caller can act on.
//!
//! Models return refusals that convert into [`Error`]; the conversion to [`tonic::Status`] happens here and nowhere else, so that no
//! text of a database or driver can leave.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use seva_proto::common::v1::ErrorReason;
use seva_values::Invalid;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

#[cfg(test)]
mod tests;

/// Domain of all reasons in `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "seva";

/// Violations beyond this number are counted, not listed: status and details travel in headers of 16 KiB at most.
const MAX_VIOLATIONS: usize = 32;
const MAX_MESSAGE_BYTES: usize = 1024;

/// What a caller is told when something is refused or fails.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Told>);

/// What an [`Error`] holds; behind a box, as results are moved often and errors are few.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Told {
    code: Code,
    reason: ErrorReason,
    message: Cow<'static, str>,
    metadata: HashMap<String, String>,
    violations: Vec<Violation>,
    preconditions: Vec<Precondition>,
    quota: Option<Precondition>,
    retry_after: Option<Duration>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Debug, Clone)]
struct Violation {
    field: String,
    reason: &'static str,
    description: String,
}

#[derive(Debug, Clone)]
struct Precondition {
    kind: String,
    subject: String,
    description: String,
}

impl Error {
    /// An error of `code` with a stable reason; `message` is for developers and in English.
    pub fn new(code: Code, reason: ErrorReason, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Told {
            code,
            reason,
            message: message.into(),
            metadata: HashMap::new(),
            violations: Vec::new(),
            preconditions: Vec::new(),
            quota: None,
            retry_after: None,
            source: None,
        }))
    }

    /// `INVALID_ARGUMENT` with a reason of its own.
    pub fn invalid(reason: ErrorReason, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidArgument, reason, message)
    }

    /// `INVALID_ARGUMENT` for one field.
    pub fn invalid_field(field: impl Into<String>, invalid: Invalid) -> Self {
        let mut violations = Violations::default();
        violations.add(field, invalid);
        Self::from(violations)
    }

    /// `NOT_FOUND` of a resource by its name.
    pub fn not_found(name: impl Into<String>) -> Self {
        let name = name.into();
        Self::new(Code::NotFound, ErrorReason::ResourceNotFound, format!("{name} does not exist"))
            .with_metadata("resource", name)
    }

    /// `FAILED_PRECONDITION`: `description` says what would have to be true first, `invariant` is its id.
    pub fn precondition(
        reason: ErrorReason,
        invariant: impl Into<String>,
        subject: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        let description = description.into();
        let mut error = Self::new(Code::FailedPrecondition, reason, description.clone());
        error.0.preconditions.push(Precondition { kind: invariant.into(), subject: subject.into(), description });
        error
    }

    /// Names one more thing that would have to be true first.
    #[must_use]
    pub fn with_precondition(
        mut self,
        invariant: impl Into<String>,
        subject: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        self.0.preconditions.push(Precondition {
            kind: invariant.into(),
            subject: subject.into(),
            description: description.into(),
        });
        self
    }

    /// Whether this invariant is why a step was refused.
    pub fn is_refused_by(&self, invariant: &str) -> bool {
        self.0.preconditions.iter().any(|precondition| precondition.kind == invariant)
    }

    /// The invariant why a step was refused; the first when there are several.
    pub fn invariant(&self) -> Option<&str> {
        self.0.preconditions.first().map(|precondition| precondition.kind.as_str())
    }

    /// `ABORTED`: somebody else's write came first.
    pub fn aborted(reason: ErrorReason, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Aborted, reason, message)
    }

    /// `UNAVAILABLE`, to be tried again after `retry_after`.
    pub fn unavailable(reason: ErrorReason, message: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        Self::new(Code::Unavailable, reason, message).with_retry_after(retry_after)
    }

    /// `RESOURCE_EXHAUSTED` of a limit that `subject` has used up.
    pub fn quota_exhausted(subject: impl Into<String>, description: impl Into<String>) -> Self {
        let description = description.into();
        let mut error = Self::new(Code::ResourceExhausted, ErrorReason::QuotaExhausted, description.clone());
        error.0.quota = Some(Precondition { kind: String::new(), subject: subject.into(), description });
        error
    }

    /// A fault of ours: the cause is logged once, here, and never told.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let cause = cause.into();
        tracing::error!(cause = %cause, "internal error");
        let mut error = Self::new(Code::Internal, ErrorReason::Internal, "internal error");
        error.0.source = Some(cause);
        error
    }

    /// Adds a fact for machines; keys match `[a-z][a-zA-Z0-9-_]+` and are never removed later.
    #[must_use]
    pub fn with_metadata(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Adds the violations of another error of the same request, so that all are told at once.
    #[must_use]
    pub fn joined(mut self, other: Option<Error>) -> Self {
        self.0.violations.extend(other.into_iter().flat_map(|other| other.0.violations));
        self
    }

    /// The gRPC code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The stable reason.
    pub fn reason(&self) -> ErrorReason {
        self.0.reason
    }

    /// The reason as it is sent: without the enum's prefix.
    pub fn reason_name(&self) -> &'static str {
        reason_name(self.0.reason)
    }

    /// Whether the same call may succeed later without any change.
    pub fn is_transient(&self) -> bool {
        matches!(self.0.code, Code::Unavailable | Code::Aborted | Code::DeadlineExceeded)
    }
}

/// `FIELDS_INVALID` of `ERROR_REASON_FIELDS_INVALID`.
pub fn reason_name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("ERROR_REASON_").unwrap_or(name)
}

/// Collects every fault of a request, so that a caller learns of all at once.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Notes a fault of `field`, a path such as `customer.contact_points[0].value`.
    pub fn add(&mut self, field: impl Into<String>, invalid: Invalid) {
        self.0.push(Violation { field: field.into(), reason: invalid.reason, description: invalid.description });
    }

    /// Notes a fault when parsing failed; answers the value otherwise.
    pub fn take<T>(&mut self, field: impl Into<String>, parsed: Result<T, Invalid>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.add(field, invalid);
                None
            }
        }
    }

    /// Notes the faults of a message below `field` when parsing failed; answers the value otherwise.
    pub fn take_message<T>(&mut self, field: &str, parsed: Result<T, seva_values::proto::Faults>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(faults) => {
                for (path, invalid) in faults {
                    self.add(format!("{field}.{path}"), invalid);
                }
                None
            }
        }
    }

    /// Notes that `field` is required when it is missing.
    pub fn required<T>(&mut self, field: impl Into<String>, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.add(field, Invalid::new("FIELD_REQUIRED", "is required"));
        }
        value
    }

    /// Whether nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value when nothing was noted; otherwise the error with all faults.
    ///
    /// # Panics
    /// When nothing was noted and yet there is no value: a parser that dropped a fault.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Error> {
        if self.is_empty() { Ok(value.expect("a missing value was noted as a violation")) } else { Err(self.into()) }
    }

    /// Takes the faults of another collection over, below `prefix`.
    pub fn absorb(&mut self, prefix: &str, other: Violations) {
        for mut violation in other.0 {
            violation.field = format!("{prefix}.{}", violation.field);
            self.0.push(violation);
        }
    }
}

impl From<Violations> for Error {
    fn from(violations: Violations) -> Self {
        let first =
            violations.0.first().map_or_else(String::new, |first| format!(": {} {}", first.field, first.description));
        let count = violations.0.len();
        let plural = if count == 1 { "field is" } else { "fields are" };
        let mut error =
            Error::new(Code::InvalidArgument, ErrorReason::FieldsInvalid, format!("{count} {plural} invalid{first}"));
        error.0.violations = violations.0;
        error
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for Status {
    fn from(error: &Error) -> Self {
        let mut details = ErrorDetails::new();
        details.set_error_info(error.reason_name(), DOMAIN, error.0.metadata.clone());
        for violation in error.0.violations.iter().take(MAX_VIOLATIONS) {
            details.add_bad_request_violation(
                clipped(&violation.field, 128),
                format!("{}: {}", violation.reason, clipped(&violation.description, 128)),
            );
        }
        for precondition in &error.0.preconditions {
            details.add_precondition_failure_violation(
                &precondition.kind,
                &precondition.subject,
                clipped(&precondition.description, 256),
            );
        }
        if let Some(quota) = &error.0.quota {
            details.add_quota_failure_violation(&quota.subject, clipped(&quota.description, 256));
        }
        if error.0.retry_after.is_some() {
            details.set_retry_info(error.0.retry_after);
        }
        Status::with_error_details(error.0.code, clipped(&error.0.message, MAX_MESSAGE_BYTES), details)
    }
}

/// The text, cut at a character boundary so that it takes no more than `max` bytes.
fn clipped(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}
