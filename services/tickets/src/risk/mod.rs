//! How likely it is that a customer is lost over a ticket: a sum of named reasons, assessed a moment after something has happened to the ticket,
//! and when time alone changes it.
//!
//! - [`model`]: facts, weights and what they come to; pure
//! - [`assess`]: finds the facts, writes what became another risk, and calls for help; [`consumer`] and [`work`] say when
//! - `policies`: versions of the weights, as managers make them
//! - [`store`]: all other SQL
//!
//! | invariant | says |
//! |---|---|
//! | TK110 | whenever a ticket's risk is written as high or critical it has an escalation that is open, in the same transaction |
//! | TK117 | the score is the sum of the listed reasons, the same for the same facts and weights, and another reason never lowers it; a ticket that is resolved or over is of no risk |
//! | TK150 | a version of the weights never changes; its levels ascend, and more of a reason never counts for less |
//! | TK118 | which word it was that speaks of lawyers or injuries is told to nobody |

pub(crate) mod assess;
mod consumer;
mod convert;
pub(crate) mod model;
mod policies;
mod queries;
mod rpc;
pub(crate) mod store;
mod work;

pub use consumer::{Listener, NAME};
pub(crate) use convert::{proto_level, read_level};
pub use model::Level;
pub use rpc::RiskRpc;
pub use work::Looks;

#[cfg(test)]
pub(crate) mod tests;
