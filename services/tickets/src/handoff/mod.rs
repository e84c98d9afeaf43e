//! What one department hands to another: the same steps and the same clocks for all.
//!
//! | from | by | to | what has to be true |
//! |---|---|---|---|
//! | | offer | offered | the ticket is open, and waits for no other department (TK48); the department is another one |
//! | offered | accept | accepted | by the department (TK46) |
//! | offered | refuse, back to the sender | refused | by the department, with a reason (TK46) |
//! | offered | refuse, on to another department | refused, and the other is offered it | the same, and it bounces (TK47) |
//! | accepted | complete | done | by the department, with a result (TK46) |
//! | done | confirm | confirmed | by the sender's side (TK46) |
//! | done | return: it is not done | accepted | by the sender's side, with a reason (TK46), and it bounces (TK47); the ticket waits for no other department (TK48) |
//! | offered, accepted | withdraw | withdrawn | by the sender's side (TK46) |
//!
//! | invariant | says |
//! |---|---|
//! | TK46 | a department's turn is its members' to act in; the sender's side is the sender, the department that asks, and who has the ticket; leads and managers may act for either |
//! | TK47 | what is handed over bounces once; more often, and again to a department that has refused it, only by a lead or a manager |
//! | TK48 | a ticket waits for one department at a time, goes on when that has answered, and ends only when nothing of it is handed over any more |
//! | TK49 | the report counts every hand-off of its period exactly once, in the row of the department whose turn it was, with the same columns for all |

pub(crate) mod commands;
mod convert;
pub(crate) mod model;
mod parity;
mod queries;
mod rpc;
pub(crate) mod state;
mod store;

pub use commands::Commands;
pub(crate) use parity::ParityQuery;
pub use rpc::HandoffRpc;
pub(crate) use store::parity;

#[cfg(test)]
mod tests;
