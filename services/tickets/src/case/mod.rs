//! Cases: tickets of one matter of a customer, or of one household, that are looked after together. Each keeps its own conversation (TK57).

mod commands;
mod convert;
mod model;
mod queries;
mod rpc;
mod store;

pub use rpc::CaseRpc;

#[cfg(test)]
mod tests;
