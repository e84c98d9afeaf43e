//! What the suite's tests stand on. For tests only: it panics where a test cannot go on.
//!
//! - [`database`]: one PostgreSQL cluster per test binary, a fresh database per test
//! - [`server`]: a whole service on a port, with tokens for every role
//! - [`wait`]: until something is so, without sleeping for a fixed time
//! - [`kill`]: an end without warning, of PostgreSQL too
//! - [`plans`]: how PostgreSQL carries a statement out
//! - [`tables`]: what two installations have come to, compared table by table

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "tests stop at the first thing that is not as expected"
)]

pub mod database;
pub mod kill;
pub mod plans;
pub mod server;
pub mod tables;
pub mod wait;

pub use database::TestDatabase;
pub use server::{TestServer, foundation, keyring};
pub use wait::eventually;
