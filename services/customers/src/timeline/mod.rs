//! The timeline: what happened to a customer, newest first. A read model.
//!
//! Entries of orders and invoices are written with them by the intake; those of the customer's own record by [`OwnRecord`] from this
//! service's feed, and those of messages by [`Messages`] from the feed of the notifications service.

mod messages;
mod own_record;
pub(crate) mod store;

pub use messages::Messages;
pub(crate) use messages::SOURCE as MESSAGES_SOURCE;
pub use own_record::OwnRecord;
