//! The service-level policy: how long what may take, in working time, by kind, department, tier and priority.

mod convert;
pub mod model;
mod rpc;
pub mod store;

pub use model::{Matched, Policy, Row, Targets};
pub use rpc::PolicyRpc;
pub use store::Policies;

#[cfg(test)]
mod tests;
