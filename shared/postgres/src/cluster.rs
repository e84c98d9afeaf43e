use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::binaries::{self, Binaries};
use crate::layout::{self, Layout};
use crate::server::{Server, Shutdown};
use crate::{Error, Options, initdb, previous, psql, settings, url};

/// How long sessions and the closing checkpoint may take before the server is stopped at once.
const FAST_STOP: Duration = Duration::from_secs(30);
const IMMEDIATE_STOP: Duration = Duration::from_secs(6);

/// A running private PostgreSQL cluster, which ends with this value or with this process, whichever is first.
///
/// Dropping it stops the server at once (the next start recovers); [`Cluster::stop`] is the orderly way.
#[derive(Debug)]
pub struct Cluster {
    options: Options,
    binaries: Binaries,
    layout: Layout,
    server: Option<Server>,
    /// Held for as long as this value lives.
    _lock: File,
}

impl Cluster {
    /// Starts the cluster in `options.data_dir`, makes it first if there is none, and waits until it takes connections.
    ///
    /// As root the server runs as the owner of the existing data, else as `postgres` or `nobody`; where that user cannot
    /// reach the data folder, the cluster stands below `/var/lib/seva` and `postgres.location` in the folder names it.
    ///
    /// # Errors
    /// See [`Error`]; in particular [`Error::AlreadyRunning`] when another living process uses the folder. A server
    /// whose owner died is waited for, up to 30 seconds.
    pub fn start(options: Options) -> Result<Cluster, Error> {
        let begun = Instant::now();
        options.check()?;
        let (data_dir, lock) = layout::lock(&options.data_dir)?;
        let layout = Layout::prepare(data_dir, options.socket_port())?;
        let binaries = choose_binaries(&layout)?;
        let is_new = !layout.pgdata.exists();
        previous::await_end(&layout.pgdata, &layout.data_dir)?;
        initdb::ensure(&layout, &binaries, options.durable)?;
        settings::write(&options, &layout)?;

        let mut cluster = Cluster { options, binaries, layout, server: None, _lock: lock };
        cluster.launch()?;
        tracing::info!(
            home = %cluster.layout.home.display(), version = cluster.binaries.major, new = is_new,
            postmaster = cluster.postmaster_pid(), took_ms = begun.elapsed().as_millis(), "PostgreSQL started"
        );
        Ok(cluster)
    }

    fn launch(&mut self) -> Result<(), Error> {
        let port = self.options.socket_port();
        previous::clear(&self.layout, port)?;
        self.server = Some(Server::start(&self.binaries, &self.layout, port)?);
        if let Some(password) = &self.options.password {
            self.execute("postgres", &settings::password_statements(password))?;
        }
        Ok(())
    }

    /// The folder that holds the data, the settings and the log: the data folder, or its place below `/var/lib/seva`.
    pub fn home(&self) -> &Path {
        &self.layout.home
    }

    /// The private folder of the unix socket.
    pub fn socket_dir(&self) -> &Path {
        &self.layout.socket_dir
    }

    /// The number that names the socket file, and the TCP port if one was asked for.
    pub fn port(&self) -> u16 {
        self.options.socket_port()
    }

    /// The server's log file.
    pub fn log_file(&self) -> &Path {
        &self.layout.log
    }

    /// The URL of a database as superuser `seva` over the unix socket, as sqlx and libpq read it.
    pub fn url(&self, database: &str) -> String {
        url::over_socket(&self.layout.socket_dir, self.port(), database)
    }

    /// The URL of a database as superuser `seva` over TCP, with the password; `None` without a port.
    pub fn tcp_url(&self, database: &str) -> Option<String> {
        let (port, password) = (self.options.port?, self.options.password.as_deref()?);
        Some(url::over_tcp(port, password, database))
    }

    /// The process number of the server's first process; 0 while it is killed.
    pub fn postmaster_pid(&self) -> u32 {
        self.server.as_ref().map_or(0, |server| server.postmaster)
    }

    /// Says whether the server runs: it may have been killed from outside.
    pub fn is_running(&mut self) -> bool {
        self.server.as_mut().is_some_and(Server::is_running)
    }

    /// Runs SQL statements through `psql`, each in its own transaction, until the first error.
    ///
    /// Returns the rows without headings: one line each, columns parted by `|`.
    ///
    /// # Errors
    /// [`Error::Sql`] with the server's words; [`Error::PsqlMissing`].
    pub fn execute(&self, database: &str, sql: &str) -> Result<String, Error> {
        psql::run(&self.binaries, &self.layout.socket_dir, self.port(), database, sql)
    }

    /// Stops the server in order: ends all sessions, writes a checkpoint. After 30 seconds it is stopped at once, then
    /// killed.
    ///
    /// # Errors
    /// [`Error::StillRunning`] when nothing helped.
    pub fn stop(mut self) -> Result<(), Error> {
        self.shut_down(Shutdown::Fast, FAST_STOP)
    }

    /// Stops the server at once and deletes the cluster, wherever it stands. The data folder itself stays.
    ///
    /// # Errors
    /// [`Error::StillRunning`]; [`Error::Io`] when something cannot be deleted.
    pub fn stop_and_delete(mut self) -> Result<(), Error> {
        self.shut_down(Shutdown::Immediate, IMMEDIATE_STOP)?;
        self.layout.delete()
    }

    /// Stops the server in order and starts it again, as an operator's restart does.
    ///
    /// # Errors
    /// As [`Cluster::stop`] and [`Cluster::start`].
    pub fn restart(&mut self) -> Result<(), Error> {
        self.shut_down(Shutdown::Fast, FAST_STOP)?;
        self.launch()
    }

    /// For fault tests: kills every process of the server without warning and waits until none is left.
    ///
    /// # Errors
    /// [`Error::StillRunning`] when one is left after 30 seconds.
    pub fn kill9(&mut self) -> Result<(), Error> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        server.kill9(&self.layout)
    }

    /// Starts the server again after [`Cluster::kill9`] or after it was killed from outside; it recovers first.
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub fn restart_after_kill(&mut self) -> Result<(), Error> {
        self.kill9()?;
        previous::await_end(&self.layout.pgdata, &self.layout.data_dir)?;
        self.launch()
    }

    fn shut_down(&mut self, shutdown: Shutdown, patience: Duration) -> Result<(), Error> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        server.stop(&self.layout, shutdown, patience)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.shut_down(Shutdown::Immediate, IMMEDIATE_STOP) {
            tracing::error!(%error, "PostgreSQL could not be stopped");
        }
    }
}

/// Data is readable only by the major version that wrote it.
fn choose_binaries(layout: &Layout) -> Result<Binaries, Error> {
    let written = std::fs::read_to_string(layout.pgdata.join("PG_VERSION")).ok();
    let written: Option<u32> = written.and_then(|text| text.trim().parse().ok());
    let binaries = binaries::find_preferring(written)?;
    match written {
        Some(data) if data != binaries.major => {
            Err(Error::VersionMismatch { pgdata: layout.pgdata.clone(), data, found: binaries.major })
        }
        _ => Ok(binaries),
    }
}
