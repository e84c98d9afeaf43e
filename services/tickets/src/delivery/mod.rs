//! What became of the mails by which notifications tells customers of what is said to them.
//!
//! It is shown with the message (TK149); and an attempt to have a resolution confirmed that did not reach the customer is none (TK148).

mod consumer;
mod convert;
pub mod model;
pub mod store;

pub use consumer::{Deliveries, NAME};
pub use model::{Delivery, State};

#[cfg(test)]
mod tests;
