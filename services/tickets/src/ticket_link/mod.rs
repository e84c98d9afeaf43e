//! How tickets belong together: what is the same, follows, is a part, comes from or has to do with another.
//!
//! | id | what | held by |
//! |---|---|---|
//! | TK56 | a child has one parent; parents form no circle and no chain of more than five; a child that is not resolved holds its parent | `ticket_link_one_parent`, triggers `ticket_link_parent_made`, `ticket_children` |

mod commands;
mod convert;
mod model;
mod rpc;
mod store;

pub use rpc::TicketLinkRpc;
pub(crate) use store::relate;
