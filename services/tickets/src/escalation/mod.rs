//! Calls for help with tickets, until somebody who leads has taken them on and they are over.
//!
//! - [`model`]: an escalation and its machine; pure
//! - [`commands`], [`queries`]: what is asked for by calls; `follow`: what follows from a ticket's risk; [`work`]: from time
//! - [`store`]: all SQL
//!
//! | invariant | says |
//! |---|---|
//! | TK111 | a ticket has one escalation at most that is open |
//! | TK112 | none is raised for a ticket that is resolved or over; what nobody has acknowledged is closed when its ticket is resolved, every one when it is over |
//! | TK113 | whoever acknowledges it is called by its level, and owns it; steps are taken by the owner, or by whoever may acknowledge it |
//! | TK114 | what is not acknowledged in time goes to the next level at its due time, once for each level; at the last it is overdue, which is told once |
//! | TK115 | a step that its state does not allow is refused and says what would have to be true |
//! | TK116 | it is closed only when its ticket is resolved or over, or the ticket's risk is below high |
//! | TK119 | what somebody has acknowledged who does not serve any more is called for again |

pub(crate) mod commands;
mod convert;
mod follow;
pub(crate) mod model;
mod queries;
mod rpc;
pub(crate) mod store;
mod work;

pub use commands::Commands;
pub(crate) use follow::follow;
pub use rpc::EscalationRpc;
pub use work::Acknowledgements;

#[cfg(test)]
mod tests;
