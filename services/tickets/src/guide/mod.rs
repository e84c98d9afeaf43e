//! Troubleshooting guides: graphs of questions, instructions and outcomes in versions, and the runs in which they are gone through for tickets.
//!
//! | id | what | held by |
//! |---|---|---|
//! | TK80 | a published version never changes | trigger `guide_version_frozen` |
//! | TK85 | every way through a published version ends at an outcome: no unknown target, no dead end, no way back, nothing that cannot be reached, every text in every language | `check` |
//! | TK86 | one run of a guide at a time for a ticket | index `troubleshooting_run_one_at_a_time` |
//! | TK87 | a run keeps to the version it began with and answers one step after another; what was answered is never changed | `Run::answer`, constraint `run_step_pkey`, trigger `run_step_append_only` |
//! | TK88 | nothing is answered when the run or its ticket is over | `Run::answer` |

mod check;
mod commands;
pub(crate) mod convert;
pub(crate) mod model;
mod queries;
mod rpc;
pub(crate) mod run;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use rpc::GuideRpc;
