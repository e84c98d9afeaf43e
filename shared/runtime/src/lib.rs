//! How a process of the suite lives: what every service shares that is neither a value nor SQL.
//!
//! - [`error`]: one error value with a stable reason, and its way to `google.rpc.Status`
//! - [`mask`]: which fields an update writes
//! - [`call`]: who calls what, and what a write has to record of it
//! - [`clock`]: business time (injected) and machine time (real)
//! - [`deadline`]: the caller's deadline, carried downstream
//! - [`tasks`]: every spawned task, with what happens when it fails or the process stops
//! - [`auth`]: who may call; tokens, keys, scopes, the table of rules read from the contract
//! - [`server`]: the layers of every gRPC server in their order, limits, health, reflection
//! - [`client`]: channels that carry deadline, identity and trace on
//! - [`config`]: settings whose faults are all told before anything binds
//! - [`telemetry`]: traces, metrics and logs
//! - [`shutdown`]: the order in which a process ends

pub mod auth;
pub mod call;
pub mod client;
pub mod clock;
pub mod config;
pub mod deadline;
pub mod error;
pub mod mask;
pub mod server;
pub mod shutdown;
pub mod tasks;
pub mod telemetry;

pub use call::{Call, Write, incoming, incoming_write};
pub use clock::BusinessClock;
pub use error::{Error, Violations};
