//! Where the parts of one cluster stand.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::server_user::{self, ServerUser};
use crate::{Error, previous, socket_dir, url};

/// How long a lock may be held by nobody who uses it.
const LETTING_GO: Duration = Duration::from_millis(500);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Root's place for clusters whose data folder the server's user cannot reach.
const ELSEWHERE: &str = "/var/lib/seva";

#[derive(Debug)]
pub(crate) struct Layout {
    /// The folder the caller named, absolute and without links.
    pub data_dir: PathBuf,
    /// The folder that holds all the rest: `data_dir` itself or a place below [`ELSEWHERE`].
    pub home: PathBuf,
    /// PostgreSQL's own data directory. It exists only once `initdb` has succeeded.
    pub pgdata: PathBuf,
    /// The private folder of the unix socket.
    pub socket_dir: PathBuf,
    /// The server's log file.
    pub log: PathBuf,
    /// Who runs the server, when not we.
    pub user: Option<ServerUser>,
}

/// Makes `data_dir` and takes its lock, which lasts as long as the file is open.
pub(crate) fn lock(data_dir: &Path) -> Result<(PathBuf, File), Error> {
    std::fs::create_dir_all(data_dir).map_err(Error::io(data_dir))?;
    let data_dir = data_dir.canonicalize().map_err(Error::io(data_dir))?;
    let path = data_dir.join("postgres.lock");
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = opened.map_err(Error::io(&path))?;
    match try_lock(&file) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            file.read_to_string(&mut holder).map_err(Error::io(&path))?;
            return Err(Error::AlreadyRunning { pid: holder.trim().parse().unwrap_or(0), data_dir });
        }
        Err(TryLockError::Error(source)) => return Err(Error::Io { path, source }),
    }
    let named = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
    named.map_err(Error::io(&path))?;
    Ok((data_dir, file))
}

/// Takes the lock, and waits a moment for one that has just been let go: a program that this process starts at that moment holds a copy of it
/// until it runs.
fn try_lock(file: &File) -> Result<(), TryLockError> {
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if begun.elapsed() < LETTING_GO => std::thread::sleep(LOOK_EVERY),
            taken => return taken,
        }
    }
}

impl Layout {
    /// Decides where the cluster of `data_dir` stands and makes the folders around it. The caller holds its lock.
    pub fn prepare(data_dir: PathBuf, port: u16) -> Result<Layout, Error> {
        let (home, user) = find_home(&data_dir)?;
        if home.to_str().is_none() {
            let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, "the path is not valid UTF-8");
            return Err(Error::Io { path: home, source });
        }
        let pgdata = home.join("pgdata");
        let log = home.join("postgres.log");
        let socket_dir = socket_dir::prepare(&home, port, user)?;
        Ok(Layout { data_dir, home, pgdata, socket_dir, log, user })
    }

    /// Deletes everything a cluster left behind, here and elsewhere. The caller has stopped it.
    pub fn delete(&self) -> Result<(), Error> {
        for folder in [&self.pgdata, &self.socket_dir] {
            remove(std::fs::remove_dir_all(folder), folder)?;
        }
        if self.home != self.data_dir {
            remove(std::fs::remove_dir_all(&self.home), &self.home)?;
        }
        let files = ["postgresql.conf", "pg_hba.conf", "postgres.log", "postgres.log.1"];
        for name in files.into_iter().chain(["postgres.location", socket_dir::LOCATION, "postgres.lock"]) {
            let file = self.data_dir.join(name);
            remove(std::fs::remove_file(&file), &file)?;
        }
        Ok(())
    }
}

fn find_home(data_dir: &Path) -> Result<(PathBuf, Option<ServerUser>), Error> {
    let location = data_dir.join("postgres.location");
    if let Ok(text) = std::fs::read_to_string(&location) {
        let home = PathBuf::from(text.trim_end_matches('\n'));
        let user = server_user::choose(&home.join("pgdata"))?;
        if !home.is_dir() {
            tracing::warn!(home = %home.display(), "the cluster's folder is gone: starting with an empty one");
            create_home(&home, user)?;
        }
        return Ok((home, user));
    }

    let user = server_user::choose(&data_dir.join("pgdata"))?;
    let Some(server) = user else { return Ok((data_dir.to_owned(), None)) };
    if server_user::can_enter(user, data_dir)? {
        return Ok((data_dir.to_owned(), user));
    }
    let parent = data_dir.parent().unwrap_or(data_dir);
    if server_user::can_enter(user, parent)? {
        server_user::let_pass(server, data_dir)?;
        return Ok((data_dir.to_owned(), user));
    }
    // Data that is already here must not be forgotten in favour of an empty cluster elsewhere.
    let pgdata = data_dir.join("pgdata");
    if pgdata.exists() {
        return Err(Error::Unreachable { pgdata, uid: server.uid });
    }

    let home = Path::new(ELSEWHERE).join(url::stable_hash(data_dir));
    set_aside(&home)?;
    write_atomically(&location, &format!("{}\n", home.display()))?;
    create_home(&home, user)?;
    tracing::info!(
        data_dir = %data_dir.display(), home = %home.display(), server_uid = server.uid,
        "the user who runs PostgreSQL cannot reach the data folder: the cluster stands elsewhere"
    );
    Ok((home, user))
}

fn create_home(home: &Path, user: Option<ServerUser>) -> Result<(), Error> {
    if let Some(parent) = home.parent()
        && !parent.is_dir()
    {
        std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
        // Whatever our umask is, the server's user has to pass.
        std::fs::set_permissions(parent, Permissions::from_mode(0o711)).map_err(Error::io(parent))?;
    }
    DirBuilder::new().mode(0o700).create(home).map_err(Error::io(home))?;
    user.map_or(Ok(()), |user| server_user::let_pass(user, home))
}

/// Moves away the cluster of a data folder that was deleted since: a new folder of that name begins empty.
fn set_aside(home: &Path) -> Result<(), Error> {
    if !home.exists() {
        return Ok(());
    }
    previous::await_end(&home.join("pgdata"), home)?;
    let mut number = 1;
    let mut aside = home.with_extension(format!("abandoned-{number}"));
    while aside.exists() {
        number += 1;
        aside = home.with_extension(format!("abandoned-{number}"));
    }
    tracing::warn!(aside = %aside.display(), "set aside the cluster of a data folder that no longer exists");
    std::fs::rename(home, &aside).map_err(Error::io(home))
}

/// Writes a file that is either whole or not there, readable by the server's user.
pub(crate) fn write_atomically(path: &Path, text: &str) -> Result<(), Error> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".new");
    let partial = PathBuf::from(partial);
    std::fs::write(&partial, text).map_err(Error::io(&partial))?;
    // Whatever our umask is: the server's user has to read its settings.
    std::fs::set_permissions(&partial, Permissions::from_mode(0o644)).map_err(Error::io(&partial))?;
    std::fs::rename(&partial, path).map_err(Error::io(path))
}

/// Nothing to remove is as good as removed.
pub(crate) fn remove(outcome: std::io::Result<()>, path: &Path) -> Result<(), Error> {
    match outcome {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
