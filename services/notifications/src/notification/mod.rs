//! A notification: what a customer is told of one milestone, or why they are not told.
//!
//! - [`milestone`]: what is told, in one table; [`state`]: what can become of it
//! - [`model`]: the decision; [`truth`]: what newer facts make untrue; [`plan`]: decisions of many events in order; [`retry`]: when to try again
//! - `dispatch`: what is due, asked about in batches; `handover`: one message, written and handed over

mod commands;
mod convert;
pub(crate) mod dispatch;
mod handover;
pub mod milestone;
pub mod model;
pub mod plan;
mod queries;
pub mod retry;
mod rpc;
pub mod state;
pub(crate) mod store;
pub mod truth;

#[cfg(test)]
mod tests;

pub use model::Notification;
pub use rpc::NotificationRpc;
pub use state::{Reason, State};
