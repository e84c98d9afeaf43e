//! A loop case: a low score, and what was done about it. It opens one ticket and follows that ticket's way.

pub(crate) mod convert;
pub(crate) mod following;
pub mod model;
pub(crate) mod queries;
mod rpc;
pub(crate) mod store;

#[cfg(test)]
mod tests;

pub use model::{LoopCase, State, TicketAct};
pub use rpc::LoopCaseRpc;
