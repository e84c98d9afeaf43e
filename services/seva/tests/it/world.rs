//! Installations of a test.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path};

use clap::Parser;
use jiff::Timestamp;
use seva::{
    instance::{Instance, Settings},
    settings::InstallationArgs,
};
use seva_runtime::config::Faults;
use tempfile::TempDir;

/// A folder that the user who runs PostgreSQL can enter, so that all of it stands there and goes with it.
pub fn folder() -> TempDir {
    tempfile::Builder::new().prefix("seva-it-").permissions(Permissions::from_mode(0o755)).tempdir().unwrap()
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    installation: InstallationArgs,
}

/// Settings of an installation in a folder, on any free ports, with its mail in the folder.
pub fn settings(folder: &Path, manual_clock: Option<Timestamp>) -> Settings {
    let folder = folder.to_str().unwrap();
    let line = ["seva", "--data-dir", folder, "--port-base", "0", "--notifications-provider", "dir:"];
    let mut faults = Faults::new();
    let settings = Line::try_parse_from(line).unwrap().installation.check(&mut faults);
    faults.finish().unwrap();
    Settings { manual_clock, ..settings.unwrap() }
}

/// Starts an installation.
pub async fn start(folder: &Path, manual_clock: Option<Timestamp>) -> Instance {
    Box::pin(Instance::start(settings(folder, manual_clock))).await.unwrap()
}
