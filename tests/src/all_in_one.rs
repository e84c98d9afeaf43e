//! `seva up` as a process: everything in one, in a folder of its own.

use std::{
    collections::BTreeMap,
    fs,
    ops::Deref,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use seva::data_dir::{Layout, Running};
use seva_proto::events::v1::{AdvanceToRequest, clock_service_client::ClockServiceClient};
use seva_store::event::proto_timestamp;

use crate::{
    Installation,
    process::{Folder, Process, free_port, free_ports, write_private},
};

/// How long it may take until it says where it runs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `seva up`. It ends with this value.
#[derive(Debug)]
pub struct AllInOne {
    installation: Installation,
    process: Process,
    folder: Folder,
}

impl Deref for AllInOne {
    type Target = Installation;

    fn deref(&self) -> &Installation {
        &self.installation
    }
}

impl AllInOne {
    /// Starts it on free ports with further arguments, and waits until all is ready.
    ///
    /// # Panics
    /// When it ends instead.
    pub async fn start(further: &[&str]) -> Self {
        Self::start_in(Folder::new(), further).await
    }

    /// Starts it with a clock that is moved by hand, which begins at `start`.
    ///
    /// # Panics
    /// When it ends instead.
    pub async fn at(start: Timestamp) -> Self {
        let folder = Folder::new();
        let data_dir = folder.path().join("data");
        fs::create_dir_all(&data_dir).expect("a folder of our own can be made");
        // As an installation leaves it whose clock stood at this time.
        write_private(&Layout::new(&data_dir).clock(), format!("{start}\n").as_bytes());
        Self::start_in(folder, &["--clock", "manual"]).await
    }

    async fn start_in(folder: Folder, further: &[&str]) -> Self {
        let data_dir = folder.path().join("data");
        let data_dir_text = data_dir.display().to_string();
        // Fixed, so that it is found where it was after it was killed.
        let port_base = free_ports().to_string();
        let portal = format!("portal={}", free_port());
        let arguments = ["up", "--data-dir", &data_dir_text, "--port-base", &port_base, "--port", &portal];
        let arguments = [&arguments, further].concat();
        let mut process = Process::start("seva up", &arguments, BTreeMap::new(), folder.path().join("up.log"));
        let installation = found(&data_dir, &mut process).await;
        Self { installation, process, folder }
    }

    /// Moves its clock.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn advance_to(&self, time: Timestamp) {
        let mut clock = ClockServiceClient::new(self.as_role("customers", "ops"));
        let request = AdvanceToRequest { time: Some(proto_timestamp(time)) };
        clock.advance_to(request).await.expect("operators may move the clock");
    }

    /// Its folder.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Waits until the instance that was started again is ready.
    ///
    /// # Panics
    /// When it does not come back.
    pub async fn ready(&mut self) {
        found(&self.data_dir(), &mut self.process).await;
    }

    /// Stops it as an operator does.
    ///
    /// # Panics
    /// When it does not end well.
    pub async fn stop(mut self) {
        let status = self.process.stop().await;
        assert!(status.success(), "seva up ended with {status}:\n{}", self.process.log());
    }
}

/// Waits until the instance of this process says where it runs, and is ready.
async fn found(data_dir: &Path, process: &mut Process) -> Installation {
    let layout = Layout::new(data_dir);
    let give_up = Instant::now() + PATIENCE;
    let running = loop {
        if let Some(running) = layout.running().filter(|running| running.pid == process.pid()) {
            break running;
        }
        assert!(process.is_running(), "seva up ended before it was ready:\n{}", process.log());
        assert!(Instant::now() < give_up, "seva up was not ready after {PATIENCE:?}:\n{}", process.log());
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let Running { services, portal_url, pid: _ } = running;
    let urls: BTreeMap<_, _> = services.iter().map(|service| (service.name.clone(), service.url.clone())).collect();
    for url in urls.values() {
        process.ready(url).await;
    }
    // The cluster's own role sees everything; its socket asks for no password.
    let seeing_all = |service: &seva::data_dir::RunningService| {
        let application = format!("postgres://{}_app@", service.name);
        service.database_url.replacen(&application, "postgres://seva@", 1)
    };
    let databases = services.iter().map(|service| (service.name.clone(), seeing_all(service))).collect();
    Installation::new(&layout.keys(), layout.mail(), urls, portal_url, &databases)
}
