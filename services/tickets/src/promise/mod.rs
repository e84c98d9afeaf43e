//! What customers were promised: who answers for it, until when, and what became of it.
//!
//! | from | by | to | what has to be true |
//! |---|---|---|---|
//! | | make, await external, schedule | open | the customer is told; due ahead, in working time (TK40); somebody who serves answers for it (TK41) |
//! | open | keep | kept | it is not due yet (TK42) |
//! | open | renew | open | it is not due yet, the new due time is later, and the customer is told (TK43) |
//! | open | its due time, or somebody says so before | broken | |
//! | open | withdraw | withdrawn | the customer said so (TK45) |
//! | open | assign, the owner leaves, the ticket has another assignee | open | the new owner serves (TK41) |
//! | broken | keep | kept late | |
//! | broken, kept late | apologize | unchanged | the customer is told, once (TK44) |
//!
//! | invariant | says |
//! |---|---|
//! | TK40 | what is promised was told to the customer with it, and is due ahead, within a year and in working time; a slot lies within the customer's hours, and in working time or somebody's shift |
//! | TK41 | an open promise has an owner who serves, or waits in the queue of its department's lead and passes to the ticket's next assignee |
//! | TK42 | what is not kept before its due time is broken, once, at its due time, whenever that is found; and stays so |
//! | TK43 | a promise is renewed to a later time only, before the old one has come, and with word to the customer |
//! | TK44 | a broken promise makes its ticket more urgent, and holds it until the customer was told that we are sorry |
//! | TK45 | a promise is never deleted, and is called off by the customer's word alone |

pub(crate) mod commands;
pub(crate) mod convert;
mod making;
pub(crate) mod model;
mod queries;
mod rate;
mod rpc;
mod scene;
mod store;
mod work;

pub use commands::Commands;
pub(crate) use rate::RateQuery;
pub use rpc::PromiseRpc;
pub(crate) use store::rates;
pub use work::Due;
pub(crate) use work::pass_on;

#[cfg(test)]
mod tests;
