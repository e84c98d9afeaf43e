//! Views: filters of tickets that somebody has saved, for themselves or for others, and how many tickets each shows.
//!
//! A view is no record of service: it goes when nobody needs it any more, and what it showed does not.
//!
//! | id | what |
//! |---|---|
//! | TK100 | a count by department, assignee, state, kind and priority is that of the tickets there are ([`counts`]) |
//! | TK101 | a view is seen by those it is shared with, changed by its owner or whoever leads, and shared with more only by whoever may |

mod commands;
pub(crate) mod convert;
pub(crate) mod counts;
mod model;
mod queries;
mod rpc;
mod store;

pub use convert::COLLECTION;
pub use queries::{in_place, member};
pub use rpc::ViewRpc;
