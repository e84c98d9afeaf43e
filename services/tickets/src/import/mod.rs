//! Tickets of other systems with their history, carried out step by step at the times at which it happened.
//!
//! | invariant | says |
//! |---|---|
//! | TK127 | a source's ticket is here once |
//! | TK128 | its history is steps that a ticket allows, at their times, and leads to where it is said to stand; its clocks are their fold |
//! | TK129 | nobody is written to because of it: all that is told of it is that it was imported |

mod commands;
mod convert;
mod model;
mod rpc;
mod store;

pub use rpc::ImportRpc;

#[cfg(test)]
mod tests;
