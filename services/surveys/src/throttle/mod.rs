//! How rarely a customer is asked: two clocks and a yearly maximum, over what was accepted for sending (SU2).
//!
//! The rules are pure; what keeps them true under concurrency are the locks of the customer and of the mailbox, which [`store::lock`] takes before the ledger is read.

pub mod model;
pub(crate) mod store;

pub use model::{Entry, Ledgers, Rules};
