//! What decisions need to know of customers and their tickets, kept from other services' events.

pub mod model;
pub(crate) mod store;

pub use model::{KnownTicket, Recipient};
