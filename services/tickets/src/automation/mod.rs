//! Automations: rules that are carried out by themselves, on what happens to tickets and on time.
//!
//! | invariant | says |
//! |---|---|
//! | TK124 | a rule is carried out at most once for an event, for a stay in a state and for a due time |
//! | TK125 | a rule is never about an event that it caused, at most once an hour on one ticket, and not beyond 16 links of a story |
//! | TK126 | a dry run writes nothing |

mod commands;
mod convert;
mod dry_run;
mod fire;
mod firing;
mod model;
mod on_event;
mod on_time;
mod queries;
mod rpc;
mod store;

pub use on_event::OnEvents;
pub use on_time::{OnTime, Retention};
pub use rpc::AutomationRpc;

/// The name for ever of the consumer of the service's own feed.
pub const CONSUMER: &str = "automations";

#[cfg(test)]
mod tests;
