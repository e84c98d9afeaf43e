//! Tickets: matters of customers, carried until they are solved.

pub(crate) mod commands;
pub(crate) mod convert;
pub(crate) mod filter;
mod kind;
pub(crate) mod model;
pub(crate) mod queries;
mod rpc;
pub(crate) mod state;
pub(crate) mod store;

pub use commands::Commands;
pub use kind::{Kind, Priority};
pub(crate) use model::{Change, Matter, Ticket};
pub use rpc::TicketRpc;
pub(crate) use state::{CancelReason, Cause, Closure, State};

#[cfg(test)]
pub(crate) mod tests;
