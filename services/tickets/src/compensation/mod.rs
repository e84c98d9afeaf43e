//! What customers are given to make up for something, within limits (TK60 to TK69).
//!
//! - [`model`]: a grant and its machine; [`limits`]: what may be given without asking, and by whom
//! - [`commands`], [`queries`]: what is asked for by calls; [`work`]: what follows in its time; [`consumer`]: what billing says
//! - [`store`], [`policies`], [`invoices`]: all SQL

pub(crate) mod commands;
pub(crate) mod consumer;
mod convert;
pub(crate) mod invoices;
pub(crate) mod limits;
pub(crate) mod model;
pub(crate) mod policies;
pub(crate) mod queries;
mod rpc;
pub(crate) mod store;
mod work;

pub use commands::Commands;
pub use limits::Kind;
pub use rpc::CompensationRpc;
pub use work::Compensation;

#[cfg(test)]
mod tests;
