//! The place: everything about one customer in one answer, each part with its age.

mod convert;
mod queries;
mod rpc;
#[cfg(test)]
mod tests;

pub use rpc::PlaceRpc;
