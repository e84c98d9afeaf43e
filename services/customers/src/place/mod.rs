//! The place: everything about one customer in one answer, each part with its age.

pub(crate) mod convert;
pub(crate) mod queries;
mod rpc;
#[cfg(test)]
mod tests;

pub use queries::Readers;
pub use rpc::PlaceRpc;
