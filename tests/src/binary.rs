//! Finds the built program `seva`.

use std::{env, path::PathBuf};

/// The program that was built with the same profile as the running test: it stands beside the test's own folder.
///
/// `SEVA_BINARY` names another one.
///
/// # Panics
/// When it was not built, with the command that builds it.
pub fn seva() -> PathBuf {
    if let Some(named) = env::var_os("SEVA_BINARY") {
        return named.into();
    }
    let own = env::current_exe().expect("a process knows its own program");
    // target/<profile>/deps/e2e-0123, target/<profile>/examples/suite, target/<profile>/bench
    let folders = own.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join("seva")).find(|file| file.is_file());
    found.unwrap_or_else(|| {
        let release = if cfg!(debug_assertions) { "" } else { " --release" };
        panic!("the program `seva` is not built yet; build it first with:\n    cargo build{release} -p seva")
    })
}
