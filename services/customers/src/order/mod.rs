//! An order as the selling system reports it: its steps, its promised day, and what became of that.
//!
//! It changes by events of the intake, and by what the clock finds; nobody writes it by a call.

pub(crate) mod convert;
pub(crate) mod model;
mod queries;
mod rpc;
mod rules;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use rpc::OrderRpc;
pub use rules::{OrderRules, SourceRules};
