//! A customer: a person whom the company serves, how to reach them, and what they agreed to.

mod commands;
pub(crate) mod convert;
pub(crate) mod mailbox;
pub(crate) mod model;
mod queries;
mod rpc;
pub(crate) mod store;
#[cfg(test)]
pub(crate) mod tests;

pub use rpc::CustomerRpc;
