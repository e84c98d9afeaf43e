//! A customer's own place, by link: what they may see of themselves, to whoever brings a link that was made for them.

mod convert;
mod links;
mod queries;
mod rpc;
mod store;

pub use links::LinkRpc;
pub use rpc::OwnPlaceRpc;

/// What these links are for.
const PURPOSE: &str = "place";
