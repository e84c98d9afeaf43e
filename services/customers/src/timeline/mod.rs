//! The timeline: what happened to a customer, newest first. A read model.
//!
//! Entries of orders and invoices are written with them by the intake; those of the customer's own record by [`OwnRecord`] from this
//! service's feed, and those of messages by [`Messages`] from the feed of the notifications service. Tickets and surveys enter theirs with
//! their read models: [`crate::ticket`], [`crate::survey`].

use std::collections::BTreeMap;

mod messages;
mod own_record;
pub(crate) mod store;

pub use messages::Messages;
pub use own_record::OwnRecord;

/// More about an entry: what is said of these, by name.
pub(crate) fn details<const N: usize>(said: [(&str, String); N]) -> BTreeMap<String, String> {
    said.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// `sent` of `STATE_SENT`; empty for what is not said or not known.
pub(crate) fn lower_name(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).filter(|name| *name != "UNSPECIFIED").unwrap_or_default().to_lowercase()
}
