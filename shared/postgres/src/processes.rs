//! What `/proc` says about living processes, and signals through the shell: std can do neither without unsafe code.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Error;

/// One line of `/proc/<pid>/stat`, as far as we need it.
struct Stat {
    state: char,
    parent: u32,
}

/// The fields follow the program's name, which stands in brackets and may hold brackets and spaces itself.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    Some(Stat { state: fields.next()?.chars().next()?, parent: fields.next()?.parse().ok()? })
}

fn stat(pid: u32) -> Option<Stat> {
    // Lossy: a program may give itself any name.
    let bytes = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = parse_stat(&String::from_utf8_lossy(&bytes))?;
    // A dead process whose parent has not collected it yet runs no more.
    (!matches!(stat.state, 'Z' | 'X')).then_some(stat)
}

/// All living processes.
fn living() -> impl Iterator<Item = (u32, Stat)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, stat(pid)?))
    })
}

/// The living children of a process.
pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    living().filter(|(_, stat)| stat.parent == parent).map(|(pid, _)| pid).collect()
}

/// The living PostgreSQL processes of one cluster: all of them work in its data directory.
pub(crate) fn servers_of(pgdata: &Path) -> Vec<u32> {
    living().map(|(pid, _)| pid).filter(|pid| is_server_of(pgdata, *pid)).collect()
}

fn is_server_of(pgdata: &Path, pid: u32) -> bool {
    let Ok(folder) = std::fs::read_link(format!("/proc/{pid}/cwd")) else { return false };
    if folder != pgdata {
        return false;
    }
    // An operator's shell may stand in the same folder. The kernel adds " (deleted)" after an upgrade of the program.
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    program.file_name().is_some_and(|name| name.to_string_lossy().starts_with("postgres"))
}

/// Sends a signal, named without `SIG`. Processes that are gone are not an error.
pub(crate) fn signal(name: &str, pids: &[u32]) -> Result<(), Error> {
    if pids.is_empty() {
        return Ok(());
    }
    let shell = Path::new("/bin/sh");
    let status = Command::new(shell)
        .args(["-c", "signal=$1; shift; kill -s \"$signal\" \"$@\"", "sh", name])
        .args(pids.iter().map(u32::to_string))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.map(drop).map_err(Error::io(shell))
}

#[cfg(test)]
mod tests;
