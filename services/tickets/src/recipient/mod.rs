//! Customers as far as tickets need to know them, kept from the customers service's events.

pub mod consumer;
pub mod model;
pub mod store;

pub use consumer::Recipients;
pub use model::{Recipient, Tier};
