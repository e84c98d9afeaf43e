//! An end without warning.

use std::{fs, path::Path, process::Command};

/// Kills processes, all at once, without warning. Those that have ended meanwhile are passed over.
pub fn kill9(pids: &[u32]) {
    let pids: Vec<String> = pids.iter().filter(|pid| is_alive(**pid)).map(ToString::to_string).collect();
    if !pids.is_empty() {
        // It says no when one of them has ended since.
        Command::new("kill").arg("-9").args(pids).output().unwrap();
    }
}

/// The processes of the private PostgreSQL that runs in a data folder, the first of them first; none when it does not run.
pub fn postgres_of(data_dir: &Path) -> Vec<u32> {
    let folder = data_dir.join("postgres");
    // Where its user cannot reach the folder, it stands elsewhere.
    let home = fs::read_to_string(folder.join("postgres.location")).map_or(folder, |elsewhere| elsewhere.trim().into());
    let file = fs::read_to_string(home.join("pgdata/postmaster.pid")).unwrap_or_default();
    let first = file.lines().next().and_then(|pid| pid.trim().parse().ok()).filter(|pid| is_alive(*pid));
    let children = |parent: u32| {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(move |pid| parent_of(*pid) == Some(parent))
    };
    first.into_iter().flat_map(|first| std::iter::once(first).chain(children(first))).collect()
}

fn is_alive(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

fn parent_of(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}
