use std::path::{Path, PathBuf};

/// Why a private PostgreSQL cluster could not be found, made, started, used or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No usable installation of PostgreSQL on this machine.
    #[error("PostgreSQL 15 or newer was not found on this machine; install it with: {hint}")]
    NotFound {
        /// The one command to run.
        hint: String,
    },
    /// Only installations older than 15 were found.
    #[error("PostgreSQL in {} is version {found}, but 15 or newer is needed; install it with: {hint}", dir.display())]
    TooOld {
        /// The folder with the old programs.
        dir: PathBuf,
        /// Its major version.
        found: u32,
        /// The one command to run.
        hint: String,
    },
    /// `SEVA_POSTGRES_BIN` names a folder that cannot be used.
    #[error("SEVA_POSTGRES_BIN names {}, which cannot be used: {reason}", dir.display())]
    BadBinDir {
        /// The folder as given.
        dir: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The data was written by another major version, and that version's programs are not installed.
    #[error(
        "the data in {} was written by PostgreSQL {data}, but only version {found} is installed; install PostgreSQL \
         {data}, or move the folder away to start empty", pgdata.display()
    )]
    VersionMismatch {
        /// PostgreSQL's data directory.
        pgdata: PathBuf,
        /// The major version that wrote it.
        data: u32,
        /// The major version that was found.
        found: u32,
    },
    /// An extra setting cannot be written into a configuration file.
    #[error("{name:?} with value {value:?} is not a PostgreSQL setting that can be written to a configuration file")]
    BadSetting {
        /// The setting's name as given.
        name: String,
        /// Its value as given.
        value: String,
    },
    /// A TCP port was asked for without a password: nobody could log in through it.
    #[error("listening on TCP port {port} needs a password for the superuser")]
    PasswordMissing {
        /// The port asked for.
        port: u16,
    },
    /// We are root, PostgreSQL refuses to run as root, and there is no user to run it as.
    #[error("PostgreSQL refuses to run as root, and neither a user `postgres` nor `nobody` exists in /etc/passwd")]
    NoServerUser,
    /// The cluster stands where the user who owns it cannot reach it.
    #[error("user id {uid}, who owns the data in {}, cannot enter that folder: make its parent folders traversable", pgdata.display())]
    Unreachable {
        /// PostgreSQL's data directory.
        pgdata: PathBuf,
        /// The numeric id of the user who owns it.
        uid: u32,
    },
    /// `initdb` failed.
    #[error("initdb could not make a new cluster:\n{output}")]
    InitDb {
        /// What it printed.
        output: String,
    },
    /// The server ended before it accepted connections, or did not accept any in time.
    #[error("PostgreSQL did not start: {reason}; last lines of {}:\n{log_tail}", log.display())]
    Start {
        /// What was seen.
        reason: String,
        /// The server's log file.
        log: PathBuf,
        /// The last lines this start wrote into it.
        log_tail: String,
    },
    /// Another living process uses this data folder.
    #[error("the cluster in {} is in use by process {pid}: stop that process first", data_dir.display())]
    AlreadyRunning {
        /// The process that holds the folder: its owner, or the server itself if no owner is left.
        pid: u32,
        /// The folder.
        data_dir: PathBuf,
    },
    /// The server did not end, not even by `kill -9`.
    #[error("PostgreSQL process {pid} could not be stopped, not even by kill -9")]
    StillRunning {
        /// The process that is left.
        pid: u32,
    },
    /// `psql` is needed to run SQL and is not installed.
    #[error("psql was not found beside PostgreSQL's programs or on PATH; install it with: {hint}")]
    PsqlMissing {
        /// The one command to run.
        hint: String,
    },
    /// The server refused an SQL statement.
    #[error("SQL on database {database} failed:\n{output}")]
    Sql {
        /// The database it ran on.
        database: String,
        /// What `psql` printed.
        output: String,
    },
    /// A file, folder or program could not be used.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file, folder or program.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl Error {
    /// For `map_err`: an input or output error that names its path.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        move |source| Error::Io { path: path.to_owned(), source }
    }
}
