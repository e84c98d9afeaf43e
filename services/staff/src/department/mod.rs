//! A department: when it works, how it is reached, and which kinds of tickets come to it.

mod commands;
pub(crate) mod convert;
pub(crate) mod model;
mod queries;
mod rpc;
mod store;
#[cfg(test)]
mod tests;

pub use rpc::DepartmentRpc;
