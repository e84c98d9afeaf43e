//! Finds PostgreSQL's programs on this machine and runs one private cluster as a child of this process.
//!
//! Used by `seva up` and by the test kit; a service that is pointed at a real server by a database URL does not need it.
//! Linux only: it reads `/proc`. Every call blocks: async callers wrap it in `spawn_blocking`.
//!
//! What a data folder holds, once [`Cluster::start`] has run:
//!
//! - `pgdata/`: PostgreSQL's own data directory, owned by the user who runs the server, mode 0700;
//! - `socket/`: the private unix socket folder, same owner and mode (elsewhere when its path would be too long);
//! - `postgresql.conf`, `pg_hba.conf`: written anew at every start; `postgres.log`: the server's log;
//! - `postgres.lock`: held while a cluster runs here; names the process that holds it;
//! - `postgres.location`: only when the server's user cannot reach the folder: where all of the above stands instead.
//!
//! The server never outlives its owner: a watchdog shell holds the other end of a pipe and stops the server when the
//! pipe closes, whatever killed the owner.

pub mod binaries;
mod cluster;
mod error;
mod initdb;
mod layout;
mod previous;
mod processes;
mod psql;
mod readiness;
mod server;
mod server_user;
mod settings;
mod socket_dir;
mod url;

pub use cluster::Cluster;
pub use error::Error;
pub use settings::Options;
