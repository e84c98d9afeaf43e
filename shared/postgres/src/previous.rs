//! A server left over from an owner who died: wait until it has stopped, then clear what it left.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::layout::{Layout, remove};
use crate::socket_dir::socket_file;
use crate::{Error, processes};

/// Longer than the watchdog gives the server to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until no server of `pgdata` is left.
///
/// # Errors
/// [`Error::AlreadyRunning`] when one still lives after 30 seconds: somebody else runs it.
pub(crate) fn await_end(pgdata: &Path, data_dir: &Path) -> Result<(), Error> {
    let begun = Instant::now();
    let mut told = false;
    loop {
        let servers = processes::servers_of(pgdata);
        let Some(first) = servers.iter().min() else { return Ok(()) };
        // The postmaster's number stands first in its file; without the file any of them names the trouble.
        let recorded = std::fs::read_to_string(pgdata.join("postmaster.pid")).unwrap_or_default();
        let postmaster = recorded.lines().next().and_then(|line| line.trim().parse().ok());
        let pid = postmaster.filter(|pid| servers.contains(pid)).unwrap_or(*first);
        if begun.elapsed() > PATIENCE {
            return Err(Error::AlreadyRunning { pid, data_dir: data_dir.to_owned() });
        }
        if !told {
            tracing::info!(pid, "waiting for the previous PostgreSQL server of this data folder to stop");
            told = true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Removes the process files of a server that is gone. PostgreSQL would do so itself, except when the number in them
/// belongs to another process by now, which is common in containers.
pub(crate) fn clear(layout: &Layout, port: u16) -> Result<(), Error> {
    let socket = socket_file(&layout.socket_dir, port);
    let mut lock = socket.clone().into_os_string();
    lock.push(".lock");
    for file in [layout.pgdata.join("postmaster.pid"), socket, lock.into()] {
        remove(std::fs::remove_file(&file), &file)?;
    }
    Ok(())
}
