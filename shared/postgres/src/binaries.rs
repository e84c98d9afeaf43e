//! Where PostgreSQL's programs are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, server_user};

/// The oldest major version the suite runs on.
const OLDEST: u32 = 15;
const BIN_DIR_VARIABLE: &str = "SEVA_POSTGRES_BIN";
const NEEDED: [&str; 3] = ["initdb", "postgres", "pg_ctl"];

/// A usable installation of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder that holds `initdb`, `postgres` and `pg_ctl`.
    pub dir: PathBuf,
    /// The major version, 15 or more.
    pub major: u32,
}

impl Binaries {
    /// The path of one of PostgreSQL's programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The path of `psql`, which Debian packs apart from the server: beside the server's programs or on `PATH`.
    ///
    /// # Errors
    /// [`Error::PsqlMissing`] when it is in neither place.
    pub fn psql(&self) -> Result<PathBuf, Error> {
        let mut places = vec![self.dir.clone()];
        places.extend(folders_on_path());
        let found = places.into_iter().map(|dir| dir.join("psql")).find(|path| path.is_file());
        found.ok_or_else(|| Error::PsqlMissing { hint: install_command("postgresql-client") })
    }
}

/// Finds PostgreSQL 15 or newer.
///
/// Looks at `$SEVA_POSTGRES_BIN` (and then nowhere else), `pg_config --bindir`, `/usr/lib/postgresql/*/bin` and
/// `/usr/pgsql-*/bin` (highest version first), the folders on `PATH`, `/usr/local/pgsql/bin` and Homebrew's folders.
///
/// # Errors
/// [`Error::NotFound`] or [`Error::TooOld`] with the command that installs it; [`Error::BadBinDir`] when
/// `$SEVA_POSTGRES_BIN` names a folder that cannot be used.
pub fn find() -> Result<Binaries, Error> {
    find_preferring(None)
}

/// As [`find`], but takes the installation of major version `wanted` if there is one: data of version 15 needs 15.
pub(crate) fn find_preferring(wanted: Option<u32>) -> Result<Binaries, Error> {
    if let Some(dir) = std::env::var_os(BIN_DIR_VARIABLE) {
        let dir = PathBuf::from(dir);
        return match examine(&dir) {
            Ok(binaries) => Ok(binaries),
            Err(Unfit::TooOld(found)) => Err(Error::TooOld { dir, found, hint: install_command("postgresql") }),
            Err(Unfit::Unusable(reason)) => Err(Error::BadBinDir { dir, reason }),
        };
    }
    choose(&candidates(), wanted)
}

/// Takes the first usable folder, or the first of version `wanted` if there is one.
fn choose(candidates: &[PathBuf], wanted: Option<u32>) -> Result<Binaries, Error> {
    let mut first = None;
    let mut too_old = None;
    for dir in candidates {
        match examine(dir) {
            Ok(binaries) if wanted.is_none_or(|wanted| wanted == binaries.major) => return Ok(binaries),
            Ok(binaries) => first = first.or(Some(binaries)),
            Err(Unfit::TooOld(found)) => too_old = too_old.or_else(|| Some((dir.clone(), found))),
            Err(Unfit::Unusable(reason)) => tracing::debug!(dir = %dir.display(), reason, "no usable PostgreSQL here"),
        }
    }
    match (first, too_old) {
        (Some(binaries), _) => Ok(binaries),
        (None, Some((dir, found))) => Err(Error::TooOld { dir, found, hint: install_command("postgresql") }),
        (None, None) => Err(Error::NotFound { hint: install_command("postgresql") }),
    }
}

enum Unfit {
    Unusable(String),
    TooOld(u32),
}

fn examine(dir: &Path) -> Result<Binaries, Unfit> {
    for name in NEEDED {
        if !dir.join(name).is_file() {
            return Err(Unfit::Unusable(format!("there is no program {name}")));
        }
    }
    // `--version` is the one thing `postgres` does even for root.
    let output = Command::new(dir.join("postgres")).arg("--version").output();
    let output = output.map_err(|error| Unfit::Unusable(format!("postgres --version: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match major_version(&text) {
        Some(major) if major >= OLDEST => Ok(Binaries { dir: dir.to_owned(), major }),
        Some(major) => Err(Unfit::TooOld(major)),
        None => Err(Unfit::Unusable(format!("postgres --version printed {:?}", text.trim()))),
    }
}

/// Reads the major version out of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; also of `17beta1`, `18devel`.
fn major_version(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("(PostgreSQL) ")?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn candidates() -> Vec<PathBuf> {
    let mut dirs = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output()
        && output.status.success()
    {
        dirs.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    dirs.extend(versioned(Path::new("/usr/lib/postgresql"), ""));
    dirs.extend(versioned(Path::new("/usr"), "pgsql-"));
    dirs.extend(folders_on_path());
    dirs.push(PathBuf::from("/usr/local/pgsql/bin"));
    dirs.push(PathBuf::from("/opt/homebrew/bin"));
    dirs.extend(versioned(Path::new("/opt/homebrew/opt"), "postgresql@"));
    dirs
}

/// The `bin` folders below `parent/<prefix><number>`, highest number first.
fn versioned(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(prefix)).and_then(|rest| rest.parse::<u32>().ok());
        if let Some(number) = number {
            found.insert(number, entry.path().join("bin"));
        }
    }
    found.into_values().rev().collect()
}

fn folders_on_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

fn install_command(package: &str) -> String {
    let sudo = if server_user::we_are_root() { "" } else { "sudo " };
    format!("{sudo}apt-get install -y {package}")
}

#[cfg(test)]
mod tests;
