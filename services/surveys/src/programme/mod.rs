//! Programmes: who is asked what, after what, how long after it, and how often at most.

mod catalog;
mod commands;
pub(crate) mod convert;
pub(crate) mod model;
mod queries;
mod rpc;
pub(crate) mod store;
#[cfg(test)]
pub(crate) mod tests;

pub use catalog::ensure_catalog;
pub use convert::{COLLECTION, name};
pub use model::{Programme, Trigger};
pub use rpc::ProgrammeRpc;
