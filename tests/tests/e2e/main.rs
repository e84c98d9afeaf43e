//! Stories over the whole suite, and what holds for every RPC of the contract.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod access;
mod chain;
mod crawler;
mod hostile;
mod messages;
mod own;
mod served;
mod settings;
mod stories;
mod whole;
