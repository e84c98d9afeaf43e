//! Recipients: where a message to a customer goes, or why it does not go, as consent stands at the moment of sending.

mod convert;
mod model;
mod rpc;
#[cfg(test)]
mod tests;

pub use rpc::RecipientRpc;
