//! An invitation: a customer's turn to be asked by a programme about one subject, or the record of why not.
//!
//! - [`state`]: what can become of it; [`model`]: its changes; [`decision`]: whether it is asked, pure; [`deciding`]: asking that when due
//! - `occasions`: what triggers it and calls it off; `mail`: what became of its mail; its end stands with [`crate::response`]

pub(crate) mod convert;
pub mod deciding;
pub mod decision;
pub(crate) mod mail;
pub mod model;
pub(crate) mod occasions;
pub(crate) mod queries;
mod rpc;
pub mod state;
pub(crate) mod store;

#[cfg(test)]
pub(crate) mod tests;

pub use model::Invitation;
pub use rpc::InvitationRpc;
pub use state::{Happening, State, SuppressReason};
