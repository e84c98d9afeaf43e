//! Makes a new cluster.

use crate::binaries::Binaries;
use crate::layout::{Layout, remove};
use crate::url::SUPERUSER;
use crate::{Error, server_user};

/// Runs `initdb` unless the cluster exists.
///
/// It works beside the final place and is renamed at the end: a half-made cluster is never taken for a whole one.
pub(crate) fn ensure(layout: &Layout, binaries: &Binaries, durable: bool) -> Result<(), Error> {
    if layout.pgdata.exists() {
        return Ok(());
    }
    let unfinished = layout.home.join("pgdata.new");
    remove(std::fs::remove_dir_all(&unfinished), &unfinished)?;
    server_user::create_private_dir(&unfinished, layout.user)?;

    let program = binaries.program("initdb");
    let mut command = server_user::command(&program, layout.user);
    command.arg("-D").arg(&unfinished).args(["-U", SUPERUSER, "--no-instructions"]);
    command.args(["--encoding=UTF8", "--locale-provider=libc", "--locale=C.UTF-8"]);
    // What counts is our own `pg_hba.conf`; this is for one who starts the cluster by hand, at a public socket.
    command.args(["--auth-local=peer", "--auth-host=scram-sha-256"]);
    command.arg(if durable { "--data-checksums" } else { "--no-sync" });
    let output = command.output().map_err(Error::io(&program))?;
    if !output.status.success() {
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        return Err(Error::InitDb { output: text.trim().to_owned() });
    }
    std::fs::rename(&unfinished, &layout.pgdata).map_err(Error::io(&layout.pgdata))
}
