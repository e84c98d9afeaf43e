//! One process of the program, with its log in a file.

use std::{
    collections::BTreeMap,
    env, fs,
    fs::{File, OpenOptions},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

use seva_runtime::{
    client::{Identity, Peer},
    server::READINESS,
};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::{binary, web};

/// How long a process may take until it is ready, or until it has ended; far longer than it ever does.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);
/// Ports below the ones that outgoing connections take, so that a killed service finds its own free again.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A process that can be killed and started again with the same arguments and environment.
#[derive(Debug)]
pub struct Process {
    name: String,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    log: PathBuf,
    child: Option<Child>,
}

impl Process {
    /// Starts `seva` with these arguments and this environment alone; its log is appended to `log`.
    pub fn start(name: &str, arguments: &[&str], environment: BTreeMap<String, String>, log: PathBuf) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut process = Self { name: name.to_owned(), arguments, environment, log, child: None };
        process.restart();
        process
    }

    /// Starts it again after it ended.
    pub fn restart(&mut self) {
        assert!(!self.is_running(), "{} runs already", self.name);
        let open = || OpenOptions::new().create(true).append(true).open(&self.log).expect("a log can be written");
        let mut command = Command::new(binary::seva());
        command.args(&self.arguments).env_clear().envs(kept_environment()).envs(&self.environment);
        command.stdin(Stdio::null()).stdout(open()).stderr(open());
        self.child = Some(command.spawn().expect("the program can be started"));
    }

    /// Its number; 0 while it does not run.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Another value of its environment from the next start on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Kills it without warning and waits until it is gone.
    pub fn kill9(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            child.wait().expect("our own child can be waited for");
        }
    }

    /// Asks it to end as an operator does, and answers how it ended.
    ///
    /// # Panics
    /// When it has not ended after a minute.
    pub async fn stop(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap_or_else(|| panic!("{} does not run", self.name));
        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(asked.is_ok_and(|status| status.success()), "{} cannot be asked to end", self.name);
        let give_up = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().expect("our own child can be waited for") {
                return status;
            }
            if Instant::now() > give_up {
                let _ = child.kill();
                panic!("{} has not ended {PATIENCE:?} after it was asked to; {}", self.name, self.log_tail());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until the server at `url` says that calls should come there.
    ///
    /// # Panics
    /// When the process ends instead, or takes more than a minute.
    pub async fn ready(&mut self, url: &str) {
        let give_up = Instant::now() + PATIENCE;
        while !is_ready(url).await {
            assert!(self.is_running(), "{} ended before it was ready; {}", self.name, self.log_tail());
            assert!(Instant::now() < give_up, "{} was not ready after {PATIENCE:?}; {}", self.name, self.log_tail());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until the portal at `url` says that requests should come there.
    ///
    /// # Panics
    /// When the process ends instead, or takes more than a minute.
    pub async fn serves_pages(&mut self, url: &str) {
        let give_up = Instant::now() + PATIENCE;
        while !web::get(&format!("{url}/readyz")).await.is_ok_and(|answer| answer.status == 200) {
            assert!(self.is_running(), "{} ended before it was ready; {}", self.name, self.log_tail());
            assert!(Instant::now() < give_up, "{} was not ready after {PATIENCE:?}; {}", self.name, self.log_tail());
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// All it has written.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        format!("the end of {}:\n{}", self.log.display(), lines[lines.len().saturating_sub(30)..].join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
    }
}

/// Whether the server at `url` says that calls should come there.
pub async fn is_ready(url: &str) -> bool {
    let Ok(peer) = Peer::connect_lazy(url, Identity::Anonymous) else { return false };
    let mut health = HealthClient::new(peer.with_default_deadline(Duration::from_secs(1)));
    let request = HealthCheckRequest { service: READINESS.to_owned() };
    matches!(health.check(request).await, Ok(answer) if answer.get_ref().status() == ServingStatus::Serving)
}

/// A port of this machine that nobody uses and nobody takes by chance.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.end - PORTS.start;
    // Tests run in several processes at once: each begins elsewhere.
    let begin = u16::try_from(std::process::id() * 37 % u32::from(count)).expect("it is below the count");
    for _ in 0..count {
        let port = PORTS.start + (begin + NEXT.fetch_add(1, Ordering::Relaxed) % count) % count;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free between {} and {}", PORTS.start, PORTS.end)
}

/// The first of as many free ports in a row as a suite can have services.
///
/// # Panics
/// When there are none.
pub fn free_ports() -> u16 {
    const SERVICES: u16 = 5;
    let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let first = (0..100).map(|_| free_port()).find(|first| (*first..first + SERVICES).all(is_free));
    // Those in between are nobody else's either.
    for _ in 1..SERVICES {
        free_port();
    }
    first.expect("somewhere there are some free ports in a row")
}

/// A folder of this run, which PostgreSQL's user may pass through; removed with the value, but kept for looking at when the test fails.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    const PREFIX: &str = "seva-suite-";

    /// A new folder; removes those of runs that are gone.
    pub fn new() -> Self {
        use std::os::unix::fs::DirBuilderExt;
        static COUNT: AtomicU16 = AtomicU16::new(0);
        let parent = env::temp_dir();
        for entry in fs::read_dir(&parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let owner = name.to_str().and_then(|name| name.strip_prefix(Self::PREFIX)?.split('-').next());
            if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
                // Somebody else may be removing the same.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = parent.join(format!("{}{}-{number}", Self::PREFIX, std::process::id()));
        fs::DirBuilder::new().mode(0o711).create(&folder).expect("a temporary folder can be made");
        Self(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("logs and data are kept in {} until the next run", self.0.display());
        } else {
            // What cannot be removed now is removed by a later run.
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// Where PostgreSQL's programs are looked for, and nothing else of ours.
fn kept_environment() -> impl Iterator<Item = (&'static str, std::ffi::OsString)> {
    ["PATH", "SEVA_POSTGRES_BIN"].into_iter().filter_map(|name| Some((name, env::var_os(name)?)))
}

/// Runs `seva` to its end and answers how it ended and what it wrote (standard output, standard error).
///
/// # Panics
/// When it cannot be started.
pub fn run(arguments: &[&str], environment: &BTreeMap<String, String>) -> (ExitStatus, String, String) {
    let mut command = Command::new(binary::seva());
    command.args(arguments).env_clear().stdin(Stdio::null());
    command.envs(kept_environment()).envs(environment);
    let output = command.output().expect("the program can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status, text(&output.stdout), text(&output.stderr))
}

/// Writes a file that only we can read.
pub(crate) fn write_private(file: &Path, content: &[u8]) {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let written = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(file);
    written.and_then(|mut file: File| file.write_all(content)).expect("a file of the test's own folder can be written");
}
