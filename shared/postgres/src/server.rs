//! The running server: the watchdog that is our child, and through it the postmaster.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

use crate::binaries::Binaries;
use crate::layout::Layout;
use crate::readiness::{self, Readiness};
use crate::socket_dir::socket_file;
use crate::{Error, processes, server_user};

/// The script that ties the server's life to ours.
const WATCHDOG: &str = include_str!("watchdog.sh");
/// How long a server that says nothing may take to answer.
const SILENCE: Duration = Duration::from_secs(60);
/// How long a server that says it recovers may take: stopping it early would make it begin anew every time.
const RECOVERY: Duration = Duration::from_secs(600);
const LARGEST_LOG: u64 = 10 * 1024 * 1024;

/// The ways to stop, by the word the watchdog understands and the signal it sends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shutdown {
    /// Ends all sessions, writes a checkpoint.
    Fast,
    /// Ends at once; the next start recovers from the log.
    Immediate,
}

#[derive(Debug)]
pub(crate) struct Server {
    watchdog: Child,
    /// Closing this pipe, by whatever death of ours, stops the server.
    orders: ChildStdin,
    pub postmaster: u32,
}

impl Server {
    /// Starts the server and waits until it accepts connections.
    pub fn start(binaries: &Binaries, layout: &Layout, port: u16) -> Result<Server, Error> {
        let (log, log_start) = open_log(&layout.log)?;
        let errors = log.try_clone().map_err(Error::io(&layout.log))?;
        let shell = Path::new("/bin/sh");
        let mut command = server_user::command(shell, layout.user);
        command.args(["-c", WATCHDOG, "seva-postgres-watchdog"]).arg(binaries.program("postgres"));
        command.arg("-D").arg(&layout.pgdata);
        command.arg("-c").arg(format!("config_file={}", layout.home.join("postgresql.conf").display()));
        // Its own process group: Ctrl-C in the terminal must reach us alone, because we decide the order of the end.
        command.process_group(0).stdin(Stdio::piped()).stdout(log).stderr(errors);
        let mut watchdog = command.spawn().map_err(Error::io(shell))?;
        let orders = watchdog.stdin.take().expect("the standard input was asked to be a pipe");

        if let Err(reason) = await_ready(&mut watchdog, &socket_file(&layout.socket_dir, port)) {
            drop(orders);
            // Either it is dead already or the closed pipe stops it within some ten seconds.
            let _ = watchdog.wait();
            return Err(Error::Start { reason, log: layout.log.clone(), log_tail: log_tail(&layout.log, log_start) });
        }
        let pid_file = layout.pgdata.join("postmaster.pid");
        let text = std::fs::read_to_string(&pid_file).map_err(Error::io(&pid_file))?;
        let postmaster = text.lines().next().and_then(|line| line.trim().parse().ok());
        let postmaster = postmaster.ok_or_else(|| Error::Io {
            path: pid_file,
            source: std::io::Error::new(std::io::ErrorKind::InvalidData, "no process number in the first line"),
        })?;
        Ok(Server { watchdog, orders, postmaster })
    }

    /// Says whether the server still runs; it may have been killed from outside.
    pub fn is_running(&mut self) -> bool {
        matches!(self.watchdog.try_wait(), Ok(None))
    }

    /// Stops the server: first as asked, after `patience` at once, then by force.
    pub fn stop(&mut self, layout: &Layout, shutdown: Shutdown, patience: Duration) -> Result<(), Error> {
        self.order(shutdown)?;
        if self.ended_within(layout, patience) {
            return Ok(());
        }
        if matches!(shutdown, Shutdown::Fast) {
            tracing::warn!(?patience, "PostgreSQL did not stop in time: stopping it at once");
            self.order(Shutdown::Immediate)?;
            if self.ended_within(layout, Duration::from_secs(6)) {
                return Ok(());
            }
        }
        tracing::warn!("PostgreSQL did not stop at once: killing it");
        self.kill9(layout)
    }

    fn order(&mut self, shutdown: Shutdown) -> Result<(), Error> {
        let (word, signal) = match shutdown {
            Shutdown::Fast => ("fast\n", "INT"),
            Shutdown::Immediate => ("immediate\n", "QUIT"),
        };
        // No reader any more: somebody killed the watchdog, but perhaps not the server.
        match self.orders.write_all(word.as_bytes()) {
            Ok(()) => Ok(()),
            Err(_) if processes::children_of(self.postmaster).is_empty() => Ok(()),
            Err(_) => processes::signal(signal, &[self.postmaster]),
        }
    }

    fn ended_within(&mut self, layout: &Layout, patience: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            if !self.is_running() && processes::servers_of(&layout.pgdata).is_empty() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Kills every process of the server without warning and waits until none is left.
    pub fn kill9(&mut self, layout: &Layout) -> Result<(), Error> {
        let begun = Instant::now();
        let mut victims = processes::servers_of(&layout.pgdata);
        if processes::children_of(self.watchdog.id()).contains(&self.postmaster) {
            victims.push(self.postmaster);
            victims.extend(processes::children_of(self.postmaster));
        }
        while !victims.is_empty() || self.is_running() {
            if begun.elapsed() > Duration::from_secs(30) {
                return Err(Error::StillRunning { pid: victims.first().copied().unwrap_or(self.postmaster) });
            }
            processes::signal("KILL", &victims)?;
            std::thread::sleep(Duration::from_millis(5));
            // Children born in between have lost their parent, but not their working folder.
            victims = processes::servers_of(&layout.pgdata);
        }
        Ok(())
    }
}

fn await_ready(watchdog: &mut Child, socket: &Path) -> Result<(), String> {
    let begun = Instant::now();
    let mut told = begun;
    let mut limit = SILENCE;
    loop {
        match readiness::ask(socket) {
            Readiness::Ready => return Ok(()),
            Readiness::NotYet => limit = RECOVERY,
            Readiness::Silent => {}
        }
        match watchdog.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => return Err(format!("it ended with {status}")),
            Err(error) => return Err(format!("its watchdog was lost: {error}")),
        }
        if begun.elapsed() > limit {
            return Err(format!("it did not accept connections within {} seconds", limit.as_secs()));
        }
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            tracing::warn!(waited_s = begun.elapsed().as_secs(), "PostgreSQL is still starting");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Opens the log for appending; returns with it where this start's lines begin.
fn open_log(path: &Path) -> Result<(File, u64), Error> {
    if std::fs::metadata(path).is_ok_and(|log| log.len() > LARGEST_LOG) {
        let old = path.with_extension("log.1");
        std::fs::rename(path, &old).map_err(Error::io(path))?;
    }
    let opened = OpenOptions::new().create(true).append(true).mode(0o640).open(path);
    let file = opened.map_err(Error::io(path))?;
    let length = file.metadata().map_err(Error::io(path))?.len();
    Ok((file, length))
}

/// The last 20 lines since `start`.
fn log_tail(path: &Path, start: u64) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(start))?;
        file.read_to_end(&mut bytes)
    });
    if let Err(error) = read {
        return format!("(the log cannot be read: {error})");
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
