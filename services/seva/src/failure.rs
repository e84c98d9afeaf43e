//! How a command ends when it does not succeed: in words for the one who typed it, and with a code for scripts.

use seva_runtime::config::{EXIT_UNAVAILABLE, EXIT_USAGE, FaultySettings};

/// Exit code of everything that went wrong without being the settings' or the surroundings' fault.
pub const EXIT_FAILED: i32 = 1;

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Settings that cannot be used, all of them.
    #[error("{0}")]
    Settings(#[from] FaultySettings),
    /// Something else that was asked for and makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Something is needed that is not there, such as PostgreSQL, a port or a folder.
    #[error("{0}")]
    Unavailable(String),
    /// It was tried and did not come out as it should.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl Failure {
    /// The exit code.
    pub const fn exit_code(&self) -> i32 {
        match self {
            Self::Settings(_) | Self::Usage(_) => EXIT_USAGE,
            Self::Unavailable(_) => EXIT_UNAVAILABLE,
            Self::Failed(_) => EXIT_FAILED,
        }
    }
}

impl From<seva_postgres::Error> for Failure {
    fn from(error: seva_postgres::Error) -> Self {
        use seva_postgres::Error as Cluster;
        match error {
            // The one command that helps stands in a line of its own.
            Cluster::NotFound { hint } | Cluster::TooOld { hint, .. } | Cluster::PsqlMissing { hint } => {
                Self::Unavailable(format!(
                    "PostgreSQL 15 or newer is needed on this machine; install it with:\n  {hint}"
                ))
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}
