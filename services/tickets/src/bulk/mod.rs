//! Bulk jobs: the same actions on many tickets, each with its own result.
//!
//! | invariant | says |
//! |---|---|
//! | TK122 | a ticket of a job is served once: its result is written in the transaction that changes it |
//! | TK123 | what is refused for one ticket stops no other, and a job that was called off changes nothing more |

mod commands;
mod convert;
mod model;
mod queries;
mod rpc;
mod store;
mod work;

pub use rpc::BulkJobRpc;
pub use work::{Bulk, Retention};
