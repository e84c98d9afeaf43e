//! Tickets of other systems with their history, carried out step by step at the times at which it happened.
//!
//! A history holds what the other system says and nothing else. How it has asked its customers whether something was solved it does not say: no attempt
//! of that time is kept, nor why one was given up. Whoever is still to answer in the end is asked by us, from the import on.
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
