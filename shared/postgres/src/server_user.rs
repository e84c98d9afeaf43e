//! Who runs the server: ourselves, or an unprivileged user when we are root, because PostgreSQL refuses root.

use std::fs::Permissions;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Error;

/// The user and group that run `initdb` and `postgres` in our place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServerUser {
    pub uid: u32,
    pub gid: u32,
}

/// Says whether this process is root. The owner of `/proc/self` is the effective user.
pub(crate) fn we_are_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0)
}

/// Chooses the user for the cluster in `pgdata`: `None` means ourselves.
///
/// Existing data keeps its owner, so that a `postgres` user who came later does not lock us out of it.
pub(crate) fn choose(pgdata: &Path) -> Result<Option<ServerUser>, Error> {
    if !we_are_root() {
        return Ok(None);
    }
    if let Ok(data) = std::fs::metadata(pgdata)
        && data.uid() != 0
    {
        return Ok(Some(ServerUser { uid: data.uid(), gid: data.gid() }));
    }
    let passwd = Path::new("/etc/passwd");
    let text = std::fs::read_to_string(passwd).map_err(Error::io(passwd))?;
    let user = named("postgres", &text).or_else(|| named("nobody", &text));
    user.map(Some).ok_or(Error::NoServerUser)
}

fn named(name: &str, passwd: &str) -> Option<ServerUser> {
    for line in passwd.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        if let [found, _, uid, gid, ..] = fields[..]
            && found == name
        {
            return Some(ServerUser { uid: uid.parse().ok()?, gid: gid.parse().ok()? });
        }
    }
    None
}

/// Prepares a command that runs as `user`, in `/`, with an environment that holds none of our secrets and none of the
/// `PG*` variables that would change what the program does.
pub(crate) fn command(program: &Path, user: Option<ServerUser>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env_clear().env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    for name in ["PATH", "LD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    if let Some(user) = user {
        // std drops the supplementary groups as well when it changes the user.
        command.uid(user.uid).gid(user.gid);
    }
    command
}

/// Says whether `user` can enter `folder`, by trying it: mode bits alone do not tell (access lists, mount options).
pub(crate) fn can_enter(user: Option<ServerUser>, folder: &Path) -> Result<bool, Error> {
    let shell = Path::new("/bin/sh");
    let status = command(shell, user)
        .args(["-c", "cd \"$1\"", "sh"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    Ok(status.map_err(Error::io(shell))?.success())
}

/// Makes `folder` (whose parent exists) with mode 0700, owned by `user`; fails if something is there already.
pub(crate) fn create_private_dir(folder: &Path, user: Option<ServerUser>) -> Result<(), Error> {
    std::fs::DirBuilder::new().mode(0o700).create(folder).map_err(Error::io(folder))?;
    if let Some(user) = user {
        std::os::unix::fs::chown(folder, Some(user.uid), Some(user.gid)).map_err(Error::io(folder))?;
    }
    Ok(())
}

/// Lets `user` pass through `folder`, and nobody else who could not before. The folder stays root's, so that the
/// server's user cannot plant links where root writes.
pub(crate) fn let_pass(user: ServerUser, folder: &Path) -> Result<(), Error> {
    let mode = std::fs::metadata(folder).map_err(Error::io(folder))?.mode();
    std::os::unix::fs::chown(folder, None, Some(user.gid)).map_err(Error::io(folder))?;
    let mode = (mode & 0o707) | 0o010;
    std::fs::set_permissions(folder, Permissions::from_mode(mode)).map_err(Error::io(folder))
}
