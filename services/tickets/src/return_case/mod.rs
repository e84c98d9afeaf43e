//! What customers give back, case by case (TK70 to TK79).
//!
//! - [`model`]: a return and its machine; [`kinds`]: its words; [`notice`]: what the customer is told
//! - [`commands`], [`queries`]: what is asked for by calls; what billing says comes with what it settles by, from compensation
//! - [`store`], [`orders`]: all SQL

pub(crate) mod commands;
mod convert;
pub(crate) mod kinds;
pub(crate) mod model;
mod notice;
pub(crate) mod orders;
pub(crate) mod queries;
mod rpc;
pub(crate) mod store;

pub use commands::Commands;
pub use rpc::ReturnRpc;

#[cfg(test)]
mod tests;
