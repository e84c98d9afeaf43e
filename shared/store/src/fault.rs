//! What went wrong with a statement, as data: the one place where the driver's errors are read.

use std::time::Duration;

use seva_proto::common::v1::ErrorReason;
use seva_runtime::Error;

#[cfg(test)]
mod tests;

/// When a caller is told to come back after a passing fault.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// A failed statement.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// A unique or exclusion constraint, by its name.
    #[error("constraint {constraint} is violated")]
    Constraint {
        /// Name of the constraint.
        constraint: String,
        /// The database's words; never told to callers.
        #[source]
        source: sqlx::Error,
    },
    /// Another transaction held a lock for too long.
    #[error("a lock could not be had in time")]
    LockTimeout,
    /// Deadlock or serialization failure: nothing was written, the same again may succeed.
    #[error("another transaction came between")]
    Serialization,
    /// The statement took longer than a statement may; nothing was written.
    #[error("a statement took longer than it may")]
    TooLong,
    /// No connection, or the server is going away. Whether a write happened is not known.
    #[error("the database cannot be reached: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// The statement itself is wrong, or data does not fit: a fault of ours or of the event.
    #[error("the database refused: {0}")]
    Refused(#[source] sqlx::Error),
    /// Something else decided before the database was asked.
    #[error(transparent)]
    Decided(#[from] Error),
}

impl Fault {
    /// Whether the same statement can never succeed: data that does not fit or is too much, a violated constraint.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Constraint { .. } => true,
            // What cannot be converted today cannot be tomorrow.
            Self::Refused(
                sqlx::Error::Encode(_)
                | sqlx::Error::Decode(_)
                | sqlx::Error::ColumnDecode { .. }
                | sqlx::Error::ColumnNotFound(_),
            ) => true,
            Self::Refused(error) => error
                .as_database_error()
                .and_then(|error| error.code())
                .is_some_and(|code| ["22", "23", "42", "54"].iter().any(|class| code.starts_with(class))),
            Self::Decided(error) => !error.is_transient(),
            Self::LockTimeout | Self::Serialization | Self::TooLong | Self::Unavailable(_) => false,
        }
    }

    /// What may be kept and told of it: the driver's and the database's words, which may quote data, are not.
    pub fn told(&self) -> String {
        match self {
            Self::Refused(error) => match error.as_database_error().and_then(|error| error.code()) {
                Some(code) => format!("the database refused with SQLSTATE {code}"),
                None => "a value could not be read or written".to_owned(),
            },
            Self::Unavailable(_) => "the database cannot be reached".to_owned(),
            Self::Decided(error) => format!("{}: {error}", error.reason_name()),
            Self::Constraint { .. } | Self::LockTimeout | Self::Serialization | Self::TooLong => self.to_string(),
        }
    }

    /// Whether it is the violation of this constraint.
    pub fn violates(&self, name: &str) -> bool {
        matches!(self, Self::Constraint { constraint, .. } if constraint == name)
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else {
            return match error {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::BeginFailed
                | sqlx::Error::Protocol(_) => Self::Unavailable(error),
                other => Self::Refused(other),
            };
        };
        let constraint = database.constraint().map(str::to_owned);
        let code = database.code().unwrap_or_default().into_owned();
        match (code.as_str(), constraint) {
            (code, Some(constraint)) if code.starts_with("23") => Self::Constraint { constraint, source: error },
            ("22021", _) => Self::Decided(unstorable_text()),
            ("55P03", _) => Self::LockTimeout,
            ("40001" | "40P01", _) => Self::Serialization,
            // `statement_timeout`, or somebody who looks after the database has stopped it.
            ("57014", _) => Self::TooLong,
            // Connection exceptions, insufficient resources, operator intervention (shutdown).
            (code, _) if code.starts_with("08") || code.starts_with("53") || code.starts_with("57") => {
                Self::Unavailable(error)
            }
            // Idle-in-transaction timeout: the server has closed the connection.
            ("25P03", _) => Self::Unavailable(error),
            _ => Self::Refused(error),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Decided(error) => error,
            Fault::LockTimeout | Fault::Serialization => write_conflict(),
            // Most statements take milliseconds: one that takes seconds tells of a database that is overloaded.
            fault @ (Fault::TooLong | Fault::Unavailable(_)) => {
                tracing::warn!(cause = %fault, "database unavailable");
                Error::unavailable(
                    ErrorReason::DatabaseUnavailable,
                    "the database cannot be reached just now",
                    RETRY_AFTER,
                )
            }
            Fault::Constraint { constraint, .. } if constraint == crate::idempotency::CONSTRAINT => write_conflict(),
            fault @ (Fault::Constraint { .. } | Fault::Refused(_)) => Error::internal(fault),
        }
    }
}

/// The refusal of a text that PostgreSQL cannot hold: a NUL character is valid UTF-8, and not valid there.
fn unstorable_text() -> Error {
    Error::invalid(ErrorReason::FieldsInvalid, "a text holds a character that cannot be stored (NUL)")
}

/// The error of a write that other writes overtook again and again.
pub fn write_conflict() -> Error {
    Error::aborted(ErrorReason::WriteConflict, "other writes came between; try again").with_retry_after(RETRY_AFTER)
}
