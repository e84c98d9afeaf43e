//! What customers want to be told about: categories of messages, and a wish for each.

mod commands;
mod convert;
pub mod model;
mod queries;
mod rpc;
pub(crate) mod store;

pub use model::{Category, Class, DuplicatePolicy};
pub use rpc::PreferenceRpc;
