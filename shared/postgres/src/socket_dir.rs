//! The private folder of the unix socket, whose path an address of the kernel must be able to hold.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::layout::write_atomically;
use crate::server_user::{self, ServerUser};
use crate::{Error, url};

/// Names the socket folder when it stands outside the cluster's home.
pub(crate) const LOCATION: &str = "socket.location";
/// The kernel's address holds 108 bytes with the closing zero.
const LONGEST: usize = 106;

/// The socket file PostgreSQL makes in `dir`.
pub(crate) fn socket_file(dir: &Path, port: u16) -> PathBuf {
    dir.join(format!(".s.PGSQL.{port}"))
}

/// Finds or makes the socket folder of the cluster in `home`: inside it, or at a short remembered place.
pub(crate) fn prepare(home: &Path, port: u16, user: Option<ServerUser>) -> Result<PathBuf, Error> {
    let inside = home.join("socket");
    if fits(&inside, port) {
        if !is_private(&inside, user) {
            server_user::create_private_dir(&inside, user)?;
        }
        return Ok(inside);
    }
    let location = home.join(LOCATION);
    if let Ok(text) = std::fs::read_to_string(&location) {
        let remembered = PathBuf::from(text.trim_end_matches('\n'));
        if fits(&remembered, port) && is_private(&remembered, user) {
            return Ok(remembered);
        }
    }
    let short = create_short(home, port, user)?;
    write_atomically(&location, &format!("{}\n", short.display()))?;
    Ok(short)
}

fn create_short(home: &Path, port: u16, user: Option<ServerUser>) -> Result<PathBuf, Error> {
    let mut bases = Vec::new();
    if server_user::we_are_root() {
        bases.push(PathBuf::from("/run"));
    } else if let Some(dir) = std::env::var_os("XDG_RUNTIME_DIR") {
        bases.push(PathBuf::from(dir));
    }
    bases.push(std::env::temp_dir());
    bases.push(PathBuf::from("/tmp"));

    let hash = url::stable_hash(home);
    let mut refused = None;
    for base in bases {
        // A name that is taken is somebody else's, perhaps laid as a trap in a public folder: take the next.
        for number in 0..100 {
            let dir = base.join(format!("seva-{hash}-{number}"));
            if !fits(&dir, port) || dir.symlink_metadata().is_ok() {
                continue;
            }
            match server_user::create_private_dir(&dir, user) {
                Ok(()) if server_user::can_enter(user, &dir)? => return Ok(dir),
                Ok(()) => std::fs::remove_dir(&dir).map_err(Error::io(&dir))?,
                Err(error) => refused = Some(error),
            }
            break;
        }
    }
    Err(refused.unwrap_or_else(|| Error::Io {
        path: home.to_owned(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidInput, "no place for a unix socket with a short path"),
    }))
}

fn fits(dir: &Path, port: u16) -> bool {
    socket_file(dir, port).as_os_str().len() <= LONGEST
}

/// Says whether `dir` is a real folder that only the server's user can enter.
fn is_private(dir: &Path, user: Option<ServerUser>) -> bool {
    let (Ok(found), Ok(ourselves)) = (dir.symlink_metadata(), std::fs::metadata("/proc/self")) else { return false };
    let owner = user.map_or_else(|| ourselves.uid(), |user| user.uid);
    found.is_dir() && found.uid() == owner && found.mode() & 0o077 == 0
}
