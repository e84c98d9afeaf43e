//! API keys: with which systems push events, for the sources they are bound to.

mod commands;
mod convert;
mod model;
mod queries;
mod rpc;
mod store;
#[cfg(test)]
mod tests;

pub use queries::Keys;
pub use rpc::ApiKeyRpc;
