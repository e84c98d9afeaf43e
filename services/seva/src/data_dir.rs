//! The folder of an installation that runs in one process: keys, database, mail, and who is using it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

#[cfg(test)]
mod tests;

/// The parts of a data folder. The README lists them.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

/// What a running instance tells other commands on the same machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Its process.
    pub pid: u32,
    /// Where its services listen and what their databases are.
    pub services: Vec<RunningService>,
    /// Where its portal listens.
    pub portal_url: String,
}

/// A service of a running instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningService {
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
    /// Its database, as the service uses it.
    pub database_url: String,
}

impl Layout {
    /// The parts of the folder `root`, which need not exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Keys of the issuer, of the services and of links.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The secret that seals page tokens.
    pub fn page_key(&self) -> PathBuf {
        self.keys().join("page.key")
    }

    /// The private PostgreSQL cluster.
    pub fn postgres(&self) -> PathBuf {
        self.root.join("postgres")
    }

    /// Messages that would have been mailed.
    pub fn mail(&self) -> PathBuf {
        self.root.join("mail")
    }

    /// Ready tokens, one a role.
    pub fn tokens(&self) -> PathBuf {
        self.root.join("tokens")
    }

    /// The business time of a manual clock.
    pub fn clock(&self) -> PathBuf {
        self.root.join("clock")
    }

    /// The API key with which the demonstration and the replay push.
    pub fn api_key(&self) -> PathBuf {
        self.keys().join("shop.api-key")
    }

    /// Which table a replay's folder belongs to.
    pub fn replay(&self) -> PathBuf {
        self.root.join("replay")
    }

    fn lock_file(&self) -> PathBuf {
        self.root.join("seva.lock")
    }

    fn running_file(&self) -> PathBuf {
        self.root.join("running.json")
    }

    /// What the instance that runs here says about itself; `None` when none runs.
    pub fn running(&self) -> Option<Running> {
        let lock = File::open(self.lock_file()).ok()?;
        match lock.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {}
            Ok(()) | Err(TryLockError::Error(_)) => return None,
        }
        serde_json::from_slice(&fs::read(self.running_file()).ok()?).ok()
    }

    /// Tells other commands about the instance that runs here.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn announce(&self, running: &Running) -> io::Result<()> {
        write_private(&self.running_file(), &serde_json::to_vec_pretty(running)?)
    }
}

/// A data folder that this process has for itself until the value is dropped.
#[derive(Debug)]
pub struct DataDir {
    /// Its parts.
    pub layout: Layout,
    _lock: File,
}

impl DataDir {
    /// Makes the folder if there is none, and takes it.
    ///
    /// # Errors
    /// `Unavailable` when another process has it, named by its number, or when it cannot be written.
    pub fn take(root: &Path) -> Result<Self, Failure> {
        let unusable = |error: io::Error| {
            Failure::Unavailable(format!("the data folder {} cannot be used: {error}", root.display()))
        };
        fs::create_dir_all(root).map_err(unusable)?;
        let layout = Layout::new(root.canonicalize().map_err(unusable)?);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .open(layout.lock_file())
            .map_err(unusable)?;
        if let Err(error) = lock.try_lock() {
            let TryLockError::WouldBlock = error else { return Err(unusable(error.into())) };
            let mut holder = String::new();
            lock.read_to_string(&mut holder).map_err(unusable)?;
            return Err(Failure::Unavailable(format!(
                "the data folder {} is in use by process {}: stop that one first, or name another folder with --data-dir",
                root.display(),
                holder.trim()
            )));
        }
        let named =
            lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| writeln!(lock, "{}", std::process::id()));
        named.map_err(unusable)?;
        DirBuilder::new().recursive(true).mode(0o700).create(layout.mail()).map_err(unusable)?;
        Ok(Self { layout, _lock: lock })
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        // Gone with the lock: what it says is only believed while the lock is held.
        let _ = fs::remove_file(self.layout.running_file());
    }
}

/// Writes a file that only its owner can read, whole or not at all, and lasting.
///
/// # Errors
/// It cannot be written.
pub fn write_private(file: &Path, content: &[u8]) -> io::Result<()> {
    let draft = file.with_extension("draft");
    // A draft of an earlier process may have other rights.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    opened.write_all(content)?;
    opened.sync_all()?;
    fs::rename(&draft, file)
}

/// Reads a secret, or makes it when there is none.
///
/// # Errors
/// It can neither be read nor written, or is empty.
pub fn secret(file: &Path) -> io::Result<Vec<u8>> {
    match fs::read(file) {
        Ok(secret) if secret.len() >= 32 => Ok(secret),
        Ok(_) => Err(io::Error::other("holds fewer than 32 bytes")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret: [u8; 32] = rand::random();
            write_private(file, &secret)?;
            Ok(secret.to_vec())
        }
        Err(error) => Err(error),
    }
}
