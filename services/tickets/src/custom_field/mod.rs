//! Fields that the company defines for its tickets: typed, by kind, and asked for when a ticket is opened or resolved.

pub(crate) mod commands;
mod convert;
pub(crate) mod model;
mod queries;
mod rpc;
pub(crate) mod store;

pub(crate) use convert::{values, values_to_proto};
pub(crate) use model::{Schema, Values};
pub use rpc::CustomFieldRpc;

#[cfg(test)]
mod tests;
