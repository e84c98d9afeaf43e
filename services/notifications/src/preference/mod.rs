//! What customers want to be told about: categories of messages, and a wish for each; said to staff, or by the customer's own link.

mod commands;
pub(crate) mod convert;
pub mod model;
mod own;
mod queries;
mod rpc;
pub(crate) mod store;

pub use model::{Category, Class, DuplicatePolicy};
pub use own::OwnPreferenceRpc;
pub use rpc::PreferenceRpc;
