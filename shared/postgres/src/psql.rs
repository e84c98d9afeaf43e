//! Runs SQL through `psql`: needed for setting up a cluster and for tests, not by the services.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use crate::Error;
use crate::binaries::Binaries;
use crate::server_user;
use crate::url::SUPERUSER;

/// Runs the statements one after another, each in its own transaction, until the first error.
pub(crate) fn run(b: &Binaries, socket_dir: &Path, port: u16, database: &str, sql: &str) -> Result<String, Error> {
    let program = b.psql()?;
    let mut command = server_user::command(&program, None);
    command.args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-f", "-", "-U", SUPERUSER]);
    // By environment: as an argument a name with `=` would be read as connection settings.
    command.env("PGDATABASE", database).env("PGCLIENTENCODING", "UTF8");
    command.arg("-h").arg(socket_dir).args(["-p", &port.to_string()]);
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(Error::io(&program))?;
    let mut input = child.stdin.take().expect("the standard input was asked to be a pipe");
    let output = std::thread::scope(|scope| {
        // A thread of its own: both pipes may be full at once. A psql that ended early says itself why.
        scope.spawn(move || input.write_all(sql.as_bytes()));
        child.wait_with_output()
    });
    let output = output.map_err(Error::io(&program))?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::Sql { database: database.to_owned(), output });
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned())
}
