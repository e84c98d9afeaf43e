//! Recipients: what decisions know of a customer, kept from events; and names and addresses, asked for at the last moment.

pub mod model;
pub mod resolve;
pub(crate) mod store;

pub use model::{Consent, Purpose, Recipient};
pub use resolve::{Address, Outcome, Recipients, Wanted};
