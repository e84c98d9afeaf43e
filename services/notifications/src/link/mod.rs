//! Links for customers: made when a message is written, and stored nowhere.
//!
//! - [`page`]: where they lead; [`own`]: those that this service signs and takes back
//! - [`owners`]: those of other services, asked for in one call per owner and batch; [`batch`]: the links of a batch of messages
//! - `rpc`: links of this service for those who write to customers

pub mod batch;
pub mod own;
pub mod owners;
pub mod page;
mod rpc;

#[cfg(test)]
mod tests;

pub use own::OwnLinks;
pub use owners::{LinkOwner, LinkOwners};
pub use page::Page;
pub use rpc::LinkRpc;
