//! Messages that come in by mail, web, text message, messaging app and social network: one typed intake for all.
//!
//! From outside in:
//! 1. [`convert`]: a message as an adapter pushes it, with every fault at once; [`words`]: what of its words can be kept
//! 2. [`screening`]: what is ignored or held before anybody asks whose it is (TK93, TK94, TK95)
//! 3. [`intake`]: kept, and then answered (TK90, TK91)
//! 4. [`senders`]: whose it is, as the customers service knows
//! 5. [`thread`] and [`places`]: the ticket that it belongs to (TK92); [`thanks`]: whether it says that all is well (TK96)
//! 6. [`delivery`]: what it does to that ticket, in the call that pushed it or later
//! 7. [`release`]: what somebody lets in after all (TK98); [`retention`]: the end of what is kept

mod convert;
mod delivery;
mod intake;
mod keys;
mod model;
pub(crate) mod places;
mod queries;
mod release;
pub mod retention;
mod rpc;
mod screening;
mod senders;
mod store;
mod thanks;
mod thread;
mod words;

pub use delivery::Delivery;
pub use keys::KeysOfCustomers;
pub use retention::Retention;
pub use rpc::InboundRpc;
pub use senders::Senders;
pub(crate) use store::title_of;

#[cfg(test)]
mod tests;
