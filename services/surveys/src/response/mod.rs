//! A response: what a customer answered to one invitation, by link, saved as they go.
//!
//! - [`model`]: what a save does, pure; [`commands`]: saving; [`expiry`]: the end of the time to answer; [`links`]: the links that lead here

mod commands;
pub(crate) mod convert;
pub(crate) mod expiry;
mod links;
pub mod model;
pub(crate) mod queries;
mod rpc;
pub(crate) mod store;

#[cfg(test)]
mod tests;

pub use convert::name;
pub use expiry::Expiries;
pub use links::LinkRpc;
pub use model::{Answered, Response, State};
pub use rpc::ResponseRpc;
